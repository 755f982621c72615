"""gateway: events come in over HTTP and go to their topics; it decides nothing.

* `server` - the process: its port, its bounds on connections, its end
* `app` - the ways in, as Litestar's handlers and as OpenAPI
* `admission` - who may send, from where, and how much
* `bodies`, `splitting`, `segment` - a request's body to single events
* `intake` - what is taken, what is refused, what goes where
* `acknowledged` - Kafka, and the promise that 202 makes
"""

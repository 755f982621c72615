"""An Apache Kafka that asks who you are, and one of whose doors leads through a bad network."""

import subprocess
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests.support.apache_kafka import (
    FOR_MINUTES,
    ApacheKafka,
    format_storage,
    free_port,
    java,
)
from tests.support.tcp_proxy import TcpProxy

PROPERTIES = """
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},\
SASL://127.0.0.1:{sasl},PROXIED://127.0.0.1:{behind}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},\
PROXIED://127.0.0.1:{proxied}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,\
SASL:SASL_PLAINTEXT,PROXIED:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_worker="test";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
broker.session.timeout.ms=6000
"""
SECOND = """
process.roles=broker
node.id=2
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
log.cleaner.dedupe.buffer.size=16777216
log.dirs={logs}
"""


class GuardedKafka(ApacheKafka):
    """Tests come in as a super user; `as_user` and `behind_proxy` are settings of a worker.

    The user `worker` may do everything that no rule denies.
    """

    def __init__(self) -> None:
        ports = {name: free_port() for name in ("port", "controller", "sasl", "behind", "proxied")}
        super().__init__(PROPERTIES.format(**ports))
        self.ports = (ports["port"], ports["controller"])
        self.bootstrap, self.foreign, self.session_timeout_s = "", False, 1.5
        self._ports = ports
        self.as_user: dict[str, Any] = {
            "bootstrap": f"127.0.0.1:{ports['sasl']}",
            "client_config": {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "PLAIN",
                "sasl.username": "worker",
                "sasl.password": "test",
            },
        }
        self.behind_proxy: dict[str, Any] = {"bootstrap": f"127.0.0.1:{ports['proxied']}"}

    def proxy(self) -> TcpProxy:
        """The network in front of `behind_proxy`; close it in the end."""
        return TcpProxy(self._ports["proxied"], self._ports["behind"])


class SecondBroker:
    """Another node of `kafka`'s cluster, for topics with two replicas; `with` ends it."""

    def __init__(self, kafka: GuardedKafka, home: Path) -> None:
        self._kafka = kafka
        self._config = home / "second.properties"
        text = SECOND.format(controller=kafka.ports[1], port=free_port(), logs=home / "second-logs")
        self._config.write_text(text, encoding="utf-8")
        self._log = home / "second.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "SecondBroker":
        # The internal topics have one replica each: they must be on the node that stays.
        self._kafka.create_topics("second-broker")
        self._kafka.committed("second-broker", "second-broker")
        config = {"bootstrap.servers": self._kafka.bootstrap, "transactional.id": "second-broker"}
        Producer(config).init_transactions(60)
        format_storage(self._kafka.cluster, str(self._config))
        self.start()
        self._kafka.replicas = 2
        return self

    def __exit__(self, *_: object) -> None:
        self._kafka.replicas = 1
        self.kill9()

    def start(self) -> None:
        """Launch, and wait until the cluster has two nodes."""
        with self._log.open("ab") as log:
            command = [*java(*FOR_MINUTES), "kafka.Kafka", str(self._config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        admin = AdminClient({"bootstrap.servers": self._kafka.bootstrap})
        deadline = time.monotonic() + 60
        while len(admin.list_topics(timeout=30).brokers) < 2:
            assert time.monotonic() < deadline, self._log.read_text()[-2_000:]
            time.sleep(0.2)

    def kill9(self) -> None:
        """Kill it; its data stays for `start`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

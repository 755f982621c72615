/**
 * offerstream in a page: tell what a person does, ask what to show, listen for offers, say what
 * became of them. One file without dependencies; `offerstream.js` beside it is made of this one.
 *
 * What is told waits in the browser until the gateway has it, over reloads and offline. An event
 * gets its id once, here, so that it counts once, however often it is sent.
 */

export type EventName =
  | "page_viewed"
  | "account_cancel_page_viewed"
  | "products_searched"
  | "product_list_viewed"
  | "product_viewed"
  | "product_added"
  | "product_removed"
  | "cart_viewed"
  | "checkout_started"
  | "coupon_entered"
  | "coupon_applied"
  | "coupon_denied"
  | "coupon_removed"
  | "promotion_viewed"
  | "promotion_clicked"
  | "order_completed";
export type Purpose =
  | "personalization"
  | "profiling"
  | "location_beacon"
  | "marketing_push"
  | "marketing_email"
  | "marketing_sms"
  | "model_training";
export type Did = "seen" | "clicked" | "dismissed" | "used";
export type Channel = "web" | "app" | "store" | "email" | "sms" | "push" | "call_center";

export interface Product {
  product_id: string;
  category: string;
  name?: string;
  brand?: string;
  price?: number | string;
  currency?: string;
  quantity?: number;
  [more: string]: unknown;
}

/** What an event holds beside its name; what each name needs is in docs/events.md. */
export interface Fields {
  product?: Product;
  products?: Product[];
  query?: { text: string; results_count?: number };
  cart?: { cart_id: string; value?: number | string; items?: Product[]; currency?: string };
  promotion?: { promotion_id: string; name?: string; position?: number };
  coupon_code?: string;
  order_id?: string;
  total?: number | string;
  items?: (Partial<Product> & { quantity: number; unit_price: number | string })[];
  currency?: string;
  context?: { [name: string]: unknown };
  [more: string]: unknown;
}

/** An offer as it may be shown, until `valid_until`; it can be used until `offer.valid_until`. */
export interface Offer {
  decision_id: string;
  placement: string;
  channel: Channel;
  decided_at: string;
  valid_until: string;
  offer: {
    offer_id: string;
    version: number;
    class: string;
    kind: "percent" | "amount" | "bogo" | "points" | "content" | "service";
    value: number;
    currency: string;
    /** What a basket must hold; what is not there does not restrict. */
    conditions: {
      min_spend?: number;
      product_ids?: string[];
      categories?: string[];
      store_ids?: string[];
    };
    valid_until: string;
  };
  coupon: { code?: string; gcn?: string } | null;
  creative: { template_id: string; params: { [name: string]: string | number }; locale: string };
  text: { [language in "en" | "ja" | "zh"]?: string };
  reason_codes: string[];
  /** Its fields as a pass, unsigned: your backend signs them, as docs/wallet.md tells. */
  wallet?: {
    google: { offerClasses: GoogleOffer[]; offerObjects: GoogleOffer[] };
    apple: { formatVersion: 1; serialNumber: string; description: string; [more: string]: unknown };
  } | null;
}

/** A class or an object of the Google Wallet API; without an id where the offer names no class. */
export interface GoogleOffer {
  id?: string;
  [more: string]: unknown;
}

/** `failed`: the gateway refused or was not reached; `reason_codes` has its code, or `unreachable`. */
export interface Decided {
  verdict: "offer" | "no_offer" | "timeout" | "failed";
  reason_codes: string[];
  decision_id?: string | null;
  offer?: Offer | null;
}

export interface Question {
  channel?: Channel;
  context?: { [name: string]: unknown };
  product?: Product;
  store_id?: string;
  /** How long a decision is waited for, 1 to 5000. */
  timeout_ms?: number;
}

export interface Options {
  /** The gateway's origin; without it, where this file came from. */
  url?: string;
  /** The write key of your pages, for `track` and `consent`. */
  key?: string;
  /** The id of the customer who is logged in. */
  customer?: string;
  /** Gets a token for this customer from your backend; asked again when it has run out. */
  token?: () => string | Promise<string>;
  /**
   * What the person said to your banner, for `personalization` and `profiling`. Without a yes
   * nothing is tracked and nothing is stored; a no forgets what was, too.
   */
  consent?: boolean;
  channel?: "web" | "app";
}

export interface Offerstream {
  /** Tells what the person does. It waits in the browser until the gateway has it. */
  track(name: EventName, fields?: Fields): void;
  /**
   * Tells what the person allows. A yes to `personalization` or `profiling` lets `track` begin; a
   * no ends it and forgets the browser, unless the other was allowed here. Other purposes change
   * neither. A no itself waits until the gateway has it.
   */
  consent(purposes: { [purpose in Purpose]?: boolean }): void;
  /** Asks what to show in a placement now. It always answers, and never throws. */
  decide(placement: string, question?: Question): Promise<Decided>;
  /** Calls `show` for each valid offer and for each new one, once each; returns how to end it. */
  onOffer(show: (offer: Offer) => void): () => void;
  /** Tells what the person did with an offer. */
  feedback(offer: Offer, did: Did): void;
}

type Box = { [name: string]: string };
type Kind = "events" | "feedback"; // what waits, and where it is sent

const SECOND = 1e3;
const MINUTE = 6e4;
const WAITING_MAX = 100; // of each kind in a browser; the oldest go
const BATCH_CHARS = 2e4; // at most 60 kB: browsers send no more once a page is gone
const FINAL = [400, 413, 422]; // of these contents, whoever sends them; a proxy says others too
const OURS = "os.";
const BROWSER = OURS + "id"; // its id, a blank, and the customer who was told with it
const NO = "!"; // ends the name of what withdraws a consent

let stamp = 0;

/** Sorts as it was made; also on pages without TLS, where `crypto.randomUUID` is missing. */
const newId = (): string =>
  (stamp = Math.max(stamp + 1, Date.now())).toString(36) +
  [...crypto.getRandomValues(new Uint32Array(3))].map((n) => n.toString(36)).join("");

/** About so long, not all pages at the same moment; less when the browser is online again. */
const sleep = (ms: number): Promise<void> =>
  new Promise((done) => {
    const end = (): void => {
      removeEventListener("online", end);
      done();
    };
    addEventListener("online", end);
    setTimeout(end, ms * (0.5 + Math.random()));
  });

/** What comes within about a minute; the gateway is silent for no longer while it is there. */
const soon = <Came>(coming: Promise<Came>): Promise<Came> =>
  Promise.race([coming, sleep(MINUTE).then(() => Promise.reject())]);

const now = (): string => new Date().toISOString();
const failed = (code: string): Decided => ({ verdict: "failed", reason_codes: [code] });

export function connect(options: Options): Offerstream {
  const { url = new URL(import.meta.url).origin, key, customer, channel = "web" } = options;
  const gpc = !!(navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl;
  const memory: Box = {};
  const sending: { [kind in Kind]?: boolean } = {};
  const said: { [purpose in Purpose]?: boolean } = {};
  let allowed = options.consent;
  let token: string | Promise<string | undefined> | undefined;

  const isNo = (name: string): boolean => name.endsWith(NO);
  /** Outlives the page what the person agreed to and their browser does not object to, and a no. */
  const disk = (name: string): Box => {
    try {
      if ((allowed && !gpc) || isNo(name)) return localStorage;
    } catch {} // the browser lets nobody store
    return memory;
  };
  const put = (name: string, value: string): void => {
    try {
      disk(name)[name] = value;
    } catch {
      memory[name] = value; // the disk is full
    }
  };
  const get = (name: string): string | undefined => memory[name] ?? disk(name)[name];
  const drop = (name: string): void => {
    delete memory[name];
    delete disk(name)[name];
  };
  const ours = (more: string): string[] =>
    Object.keys({ ...disk(NO), ...memory })
      .filter((name) => name.startsWith(OURS + more))
      .sort();
  const waiting = (kind: Kind): string[] => ours(kind).filter(get);
  const forget = (): void => {
    for (const name of ours(""))
      if (!isNo(name)) {
        delete memory[name];
        delete disk(NO)[name];
      }
  };

  /** The browser's id, unless it is another customer's. */
  const known = (): string | undefined => {
    const [id, whose] = get(BROWSER)?.split(/ (.*)/) ?? [];
    return whose && whose != customer ? "" : id;
  };
  /** Where nothing may be stored, a customer is known by their id alone. */
  const identity = (): object => {
    const id = known() || (customer && (gpc || !allowed) ? undefined : newId());
    // A page keeps its own: in another tab somebody else may be logged in by now.
    if (id && !(memory[BROWSER] && disk(BROWSER)[BROWSER]))
      put(BROWSER, (memory[BROWSER] = `${id} ${customer ?? ""}`));
    return { customer_id: customer, anonymous_id: id };
  };
  const context = (more?: object): object => ({
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...more,
    ...(gpc && { consent: { gpc } }),
  });

  /** One that comes too late for its call serves the next. */
  const newToken = async (): Promise<string | undefined> => (token = await options.token?.());
  /** By the write key `by`, or the person's token; one that has run out is replaced, once. */
  const call = async (
    path: string,
    more: RequestInit & { signal: AbortSignal },
    by?: string,
    again = !by,
  ): Promise<Response> => {
    try {
      by ??= await Promise.race([
        (token ??= newToken()),
        new Promise<never>((_, fail) => more.signal.addEventListener("abort", fail)),
      ]);
      const headers = { ...more.headers, authorization: `Bearer ${by}` };
      const answer = await fetch(url + "/v1/" + path, { ...more, headers });
      if (answer.status != 401 || !again) return answer;
    } catch (error) {
      token = undefined;
      throw error;
    }
    token = undefined;
    return call(path, more, undefined, false);
  };
  const post = (path: string, body: string, ms: number, by?: string): Promise<Response> =>
    call(
      path,
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        keepalive: body.length < BATCH_CHARS,
        signal: AbortSignal.timeout(ms),
      },
      by,
    );

  const batch = (kind: Kind): string[] => {
    let chars = 0;
    const events = kind == "events"; // feedback of another customer waits for their token
    return waiting(kind)
      .filter((name) => events || JSON.parse(get(name)!).person == customer)
      .filter((name, n) => !n || (events && (chars += get(name)!.length) < BATCH_CHARS));
  };

  /** Whether it is over with these: taken, or refused for good. */
  const sent = async (kind: Kind, values: unknown[]): Promise<boolean> => {
    const events = kind == "events";
    try {
      const body = events ? `[${values}]` : `${values}`;
      const { ok, status } = await post(kind, body, 10 * SECOND, events ? key : undefined);
      return ok || FINAL.includes(status);
    } catch {
      return false;
    }
  };

  /** Sends what waits, in its order; one request of a kind at a time. */
  const flush = async (kind: Kind): Promise<void> => {
    if (sending[kind] || !(kind == "events" ? key : options.token)) return;
    sending[kind] = true;
    await null; // what is told in one go is sent in one go
    let pause = SECOND;
    for (let names; (names = batch(kind))[0]; ) {
      if (await sent(kind, names.map(get))) {
        names.forEach(drop);
        pause = SECOND;
      } else {
        await sleep(pause);
        pause = Math.min(pause * 2, MINUTE);
      }
    }
    sending[kind] = false;
  };
  const tell = (kind: Kind, id: string, told: object): void => {
    waiting(kind)
      .sort((a, b) => +isNo(a) - +isNo(b))
      .slice(0, 1 - WAITING_MAX)
      .forEach(drop);
    put(OURS + kind + id, JSON.stringify(told));
    flush(kind);
  };
  const event = (event_name: string, fields: Fields = {}, no = ""): void => {
    const event_id = newId();
    tell("events", event_id + no, {
      channel,
      page: { path: location.pathname },
      ...fields,
      event_id,
      event_name,
      occurred_at: now(),
      identity: identity(),
      context: context(fields.context),
    });
  };

  if (gpc || allowed === false) forget();
  flush("events");
  flush("feedback");
  return {
    track: (name, fields) => {
      if (allowed) event(name, fields);
    },
    consent: (purposes) => {
      const id = known();
      const { personalization, profiling } = Object.assign(said, purposes);
      if ((personalization ?? profiling) != null && !(allowed = personalization || profiling)) {
        forget();
        if (id) memory[BROWSER] = id; // whose no it is; the next page is somebody new
      }
      event("consent_updated", { purposes }, Object.values(purposes).includes(false) ? NO : "");
    },
    decide: async (placement, question) => {
      try {
        const asked = { channel, ...question, placement, context: context(question?.context) };
        const ms = (question?.timeout_ms ?? SECOND) + SECOND;
        const answer = await post("decide", JSON.stringify(asked), ms);
        const said = await answer.json();
        return answer.ok ? said : failed(said.code);
      } catch {
        return failed("unreachable");
      }
    },
    onOffer: (show) => {
      let attempt: AbortController;
      let over = false;
      let last = "";
      let pause = SECOND;
      const listen = async (): Promise<void> => {
        attempt = new AbortController();
        try {
          const { ok, body } = await soon(
            call(`customers/${customer}/stream`, {
              headers: last ? { "last-event-id": last } : {},
              signal: attempt.signal,
            }),
          );
          const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
          for (let text = "", part; ok && !(part = await soon(reader.read())).done; ) {
            pause = SECOND;
            const events = (text + part.value).split("\n\n");
            text = events.pop()!;
            for (const one of events) {
              const [, id, data] = /^id: (.*)\ndata: (.*)/m.exec(one) ?? [];
              if (!data || over) continue;
              last = id!;
              Promise.resolve(JSON.parse(data)).then(show); // an error of theirs ends nothing
            }
          }
        } catch {}
        attempt.abort();
      };
      (async () => {
        while (customer && !over) {
          await listen();
          await sleep(pause);
          pause = Math.min(pause * 2, MINUTE / 2);
        }
      })();
      return () => {
        over = true;
        attempt?.abort();
      };
    },
    feedback: (offer, did) =>
      tell("feedback", newId(), {
        decision_id: offer.decision_id,
        offer_id: offer.offer.offer_id,
        did,
        person: customer,
        channel,
        placement: offer.placement,
        occurred_at: now(),
      }),
  };
}

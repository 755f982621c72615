// The shop's page, the app on the phone and the way through the store. What a person does goes to
// the gateway by the client that it serves; what is known and decided comes from the shop's backend.
const body = document.body;
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const page = crypto.getRandomValues(new Uint32Array(2)).join("-");
const WALK_MS = 300; // a phone tells what it hears; about 18 s of the story
const LIVE_MS = 500;
const RSSI_HERE = -48; // at the beacon; it falls with each step
const RSSI_STEP = 0.75;
const RSSI_LEAST = -97;

// In this shop a second is a minute: whatever asks for the time on this page is told the shop's.
const Machine = Date;
let clock = { machineMs: Machine.now(), shopMs: Machine.now(), speed: 1 };
const shopNow = () => Math.round(clock.shopMs + (Machine.now() - clock.machineMs) * clock.speed);
globalThis.Date = class extends Machine {
  constructor(...said) {
    super(...(said.length ? said : [shopNow()]));
  }
  static now() {
    return shopNow();
  }
};

const PURPOSES = [
  "personalization",
  "profiling",
  "location_beacon",
  "marketing_push",
  "model_training",
];
let shop; // the client, once somebody has said yes
let hangUp = () => {}; // ends the stream of offers to the phone
let customer = "";
let key = "";
let heard = null; // the place whose beacon the phone hears
let read = false; // why something was decided has been in view
const cart = [];

const post = (path, said) =>
  fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(said),
  });

// ---- what changes: parts of the page, as the backend writes them
const put = (parts) => {
  for (const [name, html] of Object.entries(parts)) {
    const part = one(`[data-part="${name}"]`);
    if (part.dataset.last === html || part.contains(document.activeElement)) continue;
    const inSvg = part.namespaceURI !== body.namespaceURI;
    const text = inSvg ? `<svg xmlns="http://www.w3.org/2000/svg">${html}</svg>` : html;
    const fresh = new DOMParser().parseFromString(text, inSvg ? "image/svg+xml" : "text/html");
    const from = inSvg ? fresh.documentElement : fresh.body;
    part.replaceChildren(...[...from.childNodes].map((node) => document.importNode(node, true)));
    part.dataset.last = html;
  }
};

const inView = (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return !document.hidden && top >= 0 && bottom <= innerHeight;
};

let missed = 0;
const live = async () => {
  read ||= all(".told .decided").some(inView);
  try {
    const answer = await fetch(
      `/live?page=${page}&customer=${encodeURIComponent(customer)}&read=${read}`,
    );
    const told = await answer.json();
    clock = { machineMs: Machine.now(), shopMs: told.now_ms, speed: told.speed };
    put(told.parts);
    missed = 0;
    if (told.phase === "present" && body.dataset.phase !== "present") await arrive();
    body.dataset.phase = told.phase;
  } catch {
    missed += 1;
    if (missed > 5) one("[data-gone]").hidden = false;
  }
  setTimeout(live, missed ? 2000 : LIVE_MS);
};

// ---- somebody comes into the shop
const arrive = async () => {
  const answer = await post("/visitors", {});
  if (!answer.ok) throw new Error("the shop does not answer");
  ({ customer, key } = await answer.json());
  one('[data-do="agree"]').disabled = false;
  one('[data-do="other"]').hidden = false;
};

const enter = async () => {
  localStorage.clear(); // of whoever was here before
  const { connect } = await import(`${body.dataset.gateway}/client/offerstream.js`);
  const token = async () => (await post("/token", { customer })).text();
  shop = connect({ key, customer, token, consent: true });
  for (const button of all("main [data-do]")) button.disabled = false;
};

const say = (yes) => shop.consent(Object.fromEntries(PURPOSES.map((one) => [one, yes])));
const answered = (answer) => {
  for (const part of all("[data-consent]")) part.hidden = part.dataset.consent !== answer;
};

const agree = async () => {
  if (!shop) {
    const button = one('[data-consent=""] [data-do="agree"]');
    button.disabled = true; // clicked twice, they would come in twice
    await enter().finally(() => (button.disabled = false));
  }
  say(true);
  hangUp = shop.onOffer(show);
  answered("yes");
  one('[data-do="look"]').focus({ preventScroll: true });
};

const withdraw = () => {
  say(false);
  hangUp();
  answered("no");
  one('[data-consent="no"] [data-do="agree"]').focus({ preventScroll: true });
};

// ---- the shop's page
const context = { timezone: "UTC" };
const productOf = ({ product, category, price }) => ({
  product_id: product,
  category,
  price: Number(price),
  currency: "EUR",
});
const drawCart = () => {
  const place = one("[data-cart]");
  const total = cart.reduce((sum, item) => sum + Number(item.price), 0);
  const { holds, comma, empty } = place.dataset;
  const names = cart.map((item) => item.name).join(comma);
  place.textContent = cart.length
    ? holds.replace("%", names).replace("#", `€${total.toFixed(2)}`)
    : empty;
};
const look = ({ dataset }) =>
  shop.track("product_viewed", {
    product: productOf(dataset),
    page: { path: `/p/${dataset.product}`, dwell_ms: 3000 },
    context,
  });
const add = ({ dataset }) => {
  cart.push({ ...dataset });
  drawCart();
  const items = cart.map((item) => ({ ...productOf(item), quantity: 1 }));
  shop.track("product_added", {
    product: { ...productOf(dataset), quantity: 1 },
    cart: { cart_id: `cart-${customer}`, items },
    context,
  });
};

// ---- the phone: coupons as they come
const coupons = new Map();
const element = (name, said, ...children) => {
  const made = Object.assign(document.createElement(name), said);
  made.append(...children);
  return made;
};
const show = (offer) => {
  if (coupons.has(offer.decision_id)) return;
  const { dataset } = one("[data-coupons]");
  const language = document.documentElement.lang.slice(0, 2);
  const [, why, title] = /^(.*?)(?:: |：)(.*)$/s.exec(offer.text[language] ?? offer.text.en);
  const via = dataset[offer.channel] ?? offer.channel;
  const state = element("span", {});
  const dismiss = element("button", { className: "plain", textContent: dataset.dismiss });
  const card = element(
    "li",
    { className: "coupon new" },
    element("p", { className: "via" }, element("span", { textContent: via }), state),
    element("p", { className: "title", textContent: title }),
    element("p", { className: "small", textContent: why }),
    element(
      "p",
      { className: "small" },
      `${dataset.code} `,
      element("code", { textContent: offer.coupon?.code ?? "–" }),
    ),
    dismiss,
  );
  const end = (name) => {
    card.className = `coupon ${name}`;
    state.textContent = dataset[name];
    dismiss.remove();
  };
  dismiss.addEventListener("click", () => {
    shop.feedback(offer, "dismissed");
    end("dismissed");
  });
  coupons.set(offer.decision_id, { code: offer.coupon?.code, end });
  one("[data-no-coupon]").hidden = true;
  one("[data-coupons]").prepend(card);
  shop.feedback(offer, "seen");
};

// ---- the store: where the phone is, and which beacon it hears
const places = all('[data-do="walk"]');
const marker = one("[data-phone]");
const plan = one(".plan");
const moveTo = (x, y) => {
  marker.setAttribute("transform", `translate(${x} ${y})`);
  const near = places
    .filter((place) => place.dataset.zone)
    .map((place) => ({
      place,
      rssi: Math.round(
        RSSI_HERE - RSSI_STEP * Math.hypot(x - place.dataset.x, y - (place.dataset.y - 10)),
      ),
    }))
    .sort((a, b) => b.rssi - a.rssi)[0];
  heard = near.rssi > RSSI_LEAST ? near : null;
  const zone = near.rssi > -80 ? near.place.dataset.zone : "";
  for (const place of places) place.setAttribute("aria-pressed", place.dataset.zone === zone);
  for (const reach of all("[data-zone-reach]"))
    reach.classList.toggle("heard", reach.dataset.zoneReach === zone);
  const told = one("[data-heard]");
  const text = zone
    ? told.dataset.here.replace("%", near.place.textContent)
    : told.dataset.nowhere;
  if (told.textContent !== text) told.textContent = text;
};
const dragTo = (event) => {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
    plan.getScreenCTM().inverse(),
  );
  moveTo(Math.min(385, Math.max(15, at.x)), Math.min(282, Math.max(20, at.y)));
};
plan.addEventListener("pointerdown", (event) => {
  if (!shop) return;
  plan.setPointerCapture(event.pointerId);
  dragTo(event);
});
plan.addEventListener("pointermove", (event) => {
  if (plan.hasPointerCapture(event.pointerId)) dragTo(event);
});
const walk = ({ dataset }) => moveTo(Number(dataset.x), Number(dataset.y));
setInterval(() => {
  if (!shop || !heard || body.dataset.phase !== "present") return;
  shop.track("beacon_sighted", {
    channel: "app",
    page: undefined, // it is told by the app
    beacon: {
      standard: "ibeacon",
      uuid: "f7826da6-4fa2-4e98-8024-bc5b71e0893e",
      major: 1,
      minor: Number(heard.place.dataset.minor),
    },
    observation: "sighting",
    rssi_dbm: heard.rssi,
    context,
  });
}, WALK_MS);

// ---- the till
const pay = async () => {
  const told = one("[data-paid]");
  const answer = await post("/till", { customer, product_ids: cart.map((item) => item.product) });
  if (!answer.ok) return;
  const { total, code } = await answer.json();
  if (!total) {
    told.textContent = told.dataset.nothing;
    return;
  }
  told.textContent = code
    ? told.dataset.couponText.replace("%", total).replace("#", code)
    : told.dataset.paidText.replace("%", total);
  cart.length = 0;
  drawCart();
  const used = [...coupons.values()].find((coupon) => code && coupon.code === code);
  used?.end("used");
};

const acts = {
  agree,
  withdraw,
  look,
  add,
  walk,
  pay,
  skip: () => post("/skip", {}),
  reached: ({ dataset }) => post("/cases", { alert_id: dataset.alert }),
  other: () => location.reload(),
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button || button.disabled) return;
  acts[button.dataset.do](button);
  if (button.closest("[data-part]")) button.blur(); // the part goes on changing
});
addEventListener("pagehide", () =>
  navigator.sendBeacon(`/bye?page=${page}`, new Blob(["{}"], { type: "application/json" })),
);
moveTo(200, 270);
body.dataset.phase = ""; // of no phase before the first word of the backend
live();

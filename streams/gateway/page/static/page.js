// Keeps the part of a page that changes up to date: asks for it again, and puts in only what is new.
// Without it every page works; it is then as of when it was opened.
"use strict";
(() => {
  const againMs = 1000;

  // What takes longer than the rest of its page comes when the page is there; what is not done yet
  // says where to ask again.
  const load = async (place) => {
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(place.dataset.load, { redirect: "manual" });
      const html = new DOMParser().parseFromString(await answer.text(), "text/html");
      const loaded = html.querySelector("[data-loaded]");
      if (answer.ok && loaded) {
        const fresh = document.importNode(loaded, true);
        const here = place.contains(document.activeElement);
        place.replaceWith(fresh);
        if (here) {
          fresh.tabIndex = -1;
          fresh.focus({ preventScroll: true });
        }
        if (fresh.dataset.load) setTimeout(load, againMs, fresh);
        return;
      }
    } catch {
      // Its link stays, and says where to find it.
    }
    place.setAttribute("aria-busy", "false");
  };

  document.querySelectorAll("[data-load]").forEach(load);
})();

(() => {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const button = document.querySelector("[data-pause]");
  const away = document.querySelector("[data-stale]");
  const everyMs = 2000;
  const frameMsMax = 100;
  let paused = false;
  let waitMs = everyMs;

  // What somebody has the keyboard in, or has selected something of, is left alone.
  const held = (part) => {
    const selected = getSelection();
    return (
      part.contains(document.activeElement) ||
      (!selected.isCollapsed && selected.containsNode(part, true))
    );
  };

  // Makes `old` what `next` is, and touches nothing of it that is the same.
  const turn = (old, next) => {
    if (old.isEqualNode(next)) return;
    if (old.nodeName !== next.nodeName) {
      old.replaceWith(document.importNode(next, true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.nodeValue = next.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of next.attributes)
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const [there, wanted] = [[...old.childNodes], [...next.childNodes]];
    wanted.forEach((child, at) => {
      if (at < there.length) turn(there[at], child);
      else old.append(document.importNode(child, true));
    });
    for (const over of there.slice(wanted.length)) over.remove();
  };

  // One part a frame, so that whoever scrolls or types between is not kept waiting. A tab that is
  // hidden meanwhile draws none.
  const frame = () =>
    new Promise((next) => {
      requestAnimationFrame(next);
      setTimeout(next, frameMsMax);
    });
  const put = async (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const part of live.querySelectorAll("[data-part]")) {
      const name = CSS.escape(part.dataset.part);
      const next = fresh.querySelector(`[data-part="${name}"]`);
      if (!next || held(part) || part.isEqualNode(next)) continue;
      await frame();
      if (!paused && !held(part)) turn(part, next);
    }
  };

  const answers = (does) => {
    live.classList.toggle("stale", !does);
    away.hidden = does;
    waitMs = does ? everyMs : Math.min(waitMs * 2, 30000);
  };

  const ask = async () => {
    if (!paused && !document.hidden) {
      try {
        const answer = await fetch(live.dataset.live, { redirect: "manual" });
        if (answer.type === "opaqueredirect") {
          location.reload();
          return;
        }
        if (answer.ok) await put(await answer.text());
        answers(answer.ok);
      } catch {
        answers(false);
      }
    }
    setTimeout(ask, waitMs);
  };

  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      paused = !paused;
      button.setAttribute("aria-pressed", String(paused));
    });
  }
  setTimeout(ask, everyMs);
})();

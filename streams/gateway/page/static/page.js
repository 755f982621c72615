// Keeps the part of a page that changes up to date: asks for it again, and puts in only what is new.
// Without it every page works; it is then as of when it was opened.
"use strict";
(() => {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const button = document.querySelector("[data-pause]");
  const everyMs = 2000;
  let paused = false;
  let waitMs = everyMs;

  // An element that somebody has the keyboard in is left alone.
  const held = (part) => part.contains(document.activeElement);

  const put = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const part of live.querySelectorAll("[data-part]")) {
      const name = CSS.escape(part.dataset.part);
      const next = fresh.querySelector(`[data-part="${name}"]`);
      if (next && !held(part) && next.innerHTML !== part.innerHTML) {
        part.replaceChildren(...document.importNode(next, true).childNodes);
      }
    }
  };

  const ask = async () => {
    if (!paused && !document.hidden) {
      try {
        const answer = await fetch(live.dataset.live, { redirect: "manual" });
        if (answer.type === "opaqueredirect") {
          location.reload();
          return;
        }
        if (answer.ok) put(await answer.text());
        live.classList.toggle("stale", !answer.ok);
        waitMs = answer.ok ? everyMs : Math.min(waitMs * 2, 30000);
      } catch {
        live.classList.add("stale");
        waitMs = Math.min(waitMs * 2, 30000);
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

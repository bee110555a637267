// Follows a stream of server-sent events; it reconnects automatically and resumes after the last event.

const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 8000;

/**
 * Follows `path`: `onEvent(kind, body)` for each, `onLink(isUp)` when the stream opens or breaks, `onRefused()` when the
 * server was started anew, and this page has the key of its earlier start.
 */
export function follow(path, kinds, { onEvent, onLink, onRefused }) {
  let last = "";
  let pause = PAUSE_MIN_MS;
  let source = null;
  let timer = 0;

  function open() {
    source = new EventSource(last ? `${path}?last=${encodeURIComponent(last)}` : path);
    source.addEventListener("open", () => {
      pause = PAUSE_MIN_MS;
      onLink(true);
    });
    source.addEventListener("error", again);
    for (const kind of kinds) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        onEvent(kind, JSON.parse(event.data));
      });
    }
  }

  // The browser's own reconnect is not enough: it gives up for good after a refusal, and waits 3 s or more after a break.
  function again() {
    source.close();
    onLink(false);
    ask();
    timer = setTimeout(open, pause);
    pause = Math.min(pause * 2, PAUSE_MAX_MS);
  }

  // An EventSource does not say why it was refused.
  async function ask() {
    try {
      if ((await fetch("/page/theme.js", { cache: "no-store" })).status === 403) onRefused();
    } catch (error) {
      console.info("The playground does not answer:", error.message);
    }
  }

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

// One stream of server-sent events that comes back by itself, from where it was.

const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 8000;

/** Follows `path`: `onEvent(kind, body)` for each, `onLink(isUp)` when the stream opens or breaks. */
export function follow(path, kinds, { onEvent, onLink }) {
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

  // Done by ourselves: a browser gives up for good on a refusal, and waits 3 s or more after a break.
  function again() {
    source.close();
    onLink(false);
    timer = setTimeout(open, pause);
    pause = Math.min(pause * 2, PAUSE_MAX_MS);
  }

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

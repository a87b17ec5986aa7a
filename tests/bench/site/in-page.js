// Runs inside a page that is measured, before its first script; `benchSelector` says what is waited for.

globalThis.bench = {
  /** Tasks that held the page up for more than 50 ms (Long Tasks API), ms. */
  tasks: [],
  /** When the thing waited for was painted, ms since the navigation. */
  painted: new Promise((resolve) => {
    // A frame is on its way when its callbacks run; with the one after it, it has been painted.
    const look = () => {
      if (document.querySelector(benchSelector) === null) requestAnimationFrame(look);
      else requestAnimationFrame(() => resolve(performance.now()));
    };
    requestAnimationFrame(look);
  }),

  newestLine: () =>
    Math.max(0, ...[...document.querySelectorAll('[data-line]')].map((line) => Number(line.dataset.line))),

  /** Scrolls the waterfall down, frame by frame, until so many builds have gone by; ids are in order of beginning. */
  scroll({ builds, pixelsPerFrame }) {
    const scroller = document.querySelector('.scroller');
    const ids = () =>
      [...document.querySelectorAll('article[data-build-id]')].map((block) => Number(block.dataset.buildId));
    const newest = Math.max(...ids());
    const frames = [];
    return new Promise((resolve) => {
      let last = performance.now();
      let oldest = newest;
      const step = () => {
        const now = performance.now();
        frames.push(now - last);
        last = now;
        scroller.scrollTop += pixelsPerFrame;
        if (frames.length % 20 === 0) oldest = Math.min(oldest, ...ids());
        if (newest - oldest >= builds) resolve({ builds: newest - oldest, frames });
        else requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    });
  },
};

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) bench.tasks.push(duration);
}).observe({ type: 'longtask', buffered: true });

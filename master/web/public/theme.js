// Before the first paint: the theme that was chosen, or the system's. A file, because the page forbids inline scripts.
try {
  const theme = localStorage.getItem('icefall.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}

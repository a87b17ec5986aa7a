/** Text that runs a script, turns the direction of writing, or paints, wherever it is taken for more than text. */
export const HOSTILE =
  '<img src=x onerror=ran()><script>ran()</script>"\'><svg onload=ran()> \u202egnp.exe\u202c \u001b[31mred';

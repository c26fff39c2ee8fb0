// Makes the answer a live region once Gradio has drawn it, so that screen readers say what is new and only that.
// Also names the page's language: Gradio names the browser's, but every word here is British English.
"use strict";

const LANGUAGE = "en-GB";
const LIVE_REGIONS = ["sg-current", "sg-notice", "sg-top-banner"];

function prepare() {
  if (document.documentElement.lang !== LANGUAGE) {
    document.documentElement.lang = LANGUAGE;
  }
  for (const id of LIVE_REGIONS) {
    const region = document.getElementById(id);
    if (region && !region.hasAttribute("aria-live")) {
      region.setAttribute("aria-live", "polite");
      region.setAttribute("aria-relevant", "additions text");
    }
  }
}

new MutationObserver(prepare).observe(document.documentElement, {
  attributeFilter: ["lang"],
  childList: true,
  subtree: true,
});
prepare();

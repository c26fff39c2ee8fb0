// Makes the answer a live region once Gradio has drawn it, so that screen readers say what is new and only that.
"use strict";

const LIVE_REGIONS = ["sg-current", "sg-notice", "sg-top-banner"];

function announce() {
  for (const id of LIVE_REGIONS) {
    const region = document.getElementById(id);
    if (region && !region.hasAttribute("aria-live")) {
      region.setAttribute("aria-live", "polite");
      region.setAttribute("aria-relevant", "additions text");
    }
  }
}

new MutationObserver(announce).observe(document.documentElement, { childList: true, subtree: true });

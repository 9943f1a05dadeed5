"use strict";
/* A display has nobody who loads a page again: what may pass is tried again by itself. */
setTimeout(() => location.reload(), 60000);

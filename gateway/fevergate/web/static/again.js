"use strict";
/* Loads an error page of a wall display again each minute, because nobody is there to do it. */
setTimeout(() => location.reload(), 60000);

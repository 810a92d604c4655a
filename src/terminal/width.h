// How many columns of a terminal a character takes: 0 where it joins the one before it, 2 for those of East Asia. Called by Screen for
// every character beyond ASCII. Pure.
#pragma once

namespace sekisho::terminal {

int width(char32_t c);

}  // namespace sekisho::terminal

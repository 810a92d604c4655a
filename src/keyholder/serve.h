// What the keyholder process does: read the keys, enter its sandbox, answer requests until the gateway hangs up. One thread for
// each link (the gateway has one for each of its loops), so that a slow RSA signature delays nobody else. Called by the spawner.
#pragma once

#include <string>
#include <vector>

#include "keyholder/key_files.h"
#include "keyholder/keyring.h"

namespace sekisho::keyholder {

/// Greets on every link and serves them. Ends the process when any of them ends.
[[noreturn]] void serve(const KeyFiles& files, const std::vector<int>& links);

/// One link, on this thread, until its end; returns why it ended. Requests that came together are answered together.
std::string serve_link(const Keyring& keys, int link);

}  // namespace sekisho::keyholder

// The spawner process: a child of the gateway, made before it has threads, sandbox or network. It starts the keyholder and starts
// it again when it ended, and opens the configuration, and what that names, for a gateway that may not. It has no network and no
// key, and ends with the gateway. (A sandboxed gateway could not start a keyholder: it may neither read key files nor have
// children.)
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keyholder/descriptors.h"
#include "keyholder/key_files.h"

namespace sekisho::keyholder {

struct SpawnerSettings {
    KeyFiles keys;
    std::size_t links = 1;  // for each keyholder
    /// Files that the gateway may have opened for it, as the configuration has them now: asked each time. Never a key file, even so.
    std::function<std::vector<std::string>()> readable;
};

// What it sends on `control`: the first byte of a message. A descriptor goes along with kLink, and there are `links` of them.
inline constexpr char kLink = 'L';
inline constexpr char kEnded = 'E';  // followed by how the keyholder ended

/// On `files`, each message names one; the answer has a descriptor, or says why not.
[[noreturn]] void spawn_keyholders(const SpawnerSettings& settings, Descriptor control, Descriptor files);

}  // namespace sekisho::keyholder

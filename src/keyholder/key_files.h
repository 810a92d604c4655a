// Where the private keys are: paths only, so that whoever starts a keyholder need not know how a key is read.
#pragma once

#include <string>
#include <vector>

namespace sekisho::keyholder {

struct KeyFiles {
    std::vector<std::string> host_keys;  // PATH-cert.pub beside one is presented, too
    std::string user_ca;
    std::string host_ca;  // may be missing: a gateway without one certifies no host
    std::string evidence;  // made where it is missing
    std::string wrapping_key;  // may be missing: a gateway without one stores no credentials
};

/// Where the user CA's next key is made beside the first one: an absolute path.
inline std::string folder_of_the_ca(const KeyFiles& files) { return files.user_ca.substr(0, files.user_ca.rfind('/') + 1); }

}  // namespace sekisho::keyholder

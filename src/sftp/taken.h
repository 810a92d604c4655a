// Input of which a part was taken: what is left moves to the front where that is worth it, and nothing is held where nothing is left.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace sekisho::sftp {

inline void drop_taken(Bytes& input, std::size_t& taken) {
    if (taken == input.size()) {
        Bytes().swap(input);
        taken = 0;
    } else if (taken > input.size() / 2) {
        input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
        taken = 0;
    }
}

}  // namespace sekisho::sftp

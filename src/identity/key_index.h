// KeyIndex: who owns this public key? Built once for each access snapshot, off the loops, then read by all of them.
// An answer here is no login: identity is settled by the signed request only (gateway/front_auth).
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "keys/authorized_key.h"
#include "model/access.h"

namespace sekisho::identity {

class KeyIndex {
public:
    struct Entry {
        std::string user;
        keys::AuthorizedKey key;
    };

    KeyIndex() = default;
    explicit KeyIndex(const model::Access& access);

    /// All lines with this key blob; more than one where users share a key.
    const std::vector<Entry>& owners(BytesView blob) const;
    /// Lines that are not keys, as "user NAME: reason".
    const std::vector<std::string>& problems() const { return m_problems; }

private:
    std::unordered_map<std::string, std::vector<Entry>> m_entries;
    std::vector<std::string> m_problems;
};

}  // namespace sekisho::identity

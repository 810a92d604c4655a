#include "identity/key_index.h"

namespace sekisho::identity {

KeyIndex::KeyIndex(const model::Access& access) {
    for (const auto& user : access.users) {
        for (const auto& line : user.keys) {
            auto key = keys::parse_authorized_key(line);
            if (!key) {
                m_problems.push_back("user " + user.name + ": " + key.error().text);
                continue;
            }
            std::string blob = base::to_text(key->key.blob());
            m_entries[std::move(blob)].push_back(Entry{user.name, std::move(*key)});
        }
    }
}

const std::vector<KeyIndex::Entry>& KeyIndex::owners(BytesView blob) const {
    static const std::vector<Entry> none;
    const auto found = m_entries.find(base::to_text(blob));
    return found == m_entries.end() ? none : found->second;
}

}  // namespace sekisho::identity

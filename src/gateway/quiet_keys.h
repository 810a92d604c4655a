// QuietKeys: keys that were refused on a connection that then signed in with another one. A client offers its keys one after the
// other, a certificate behind its plain key; whoever signs in that way every day shall read about it once, not each time. Kept in
// memory, bounded: the oldest is forgotten. Thread-safe; nothing is decided by it.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_set>

namespace sekisho::gateway {

class QuietKeys {
public:
    static constexpr std::size_t kMost = 20'000;

    void add(const std::string& key) {
        const std::lock_guard lock(m_mutex);
        if (!m_keys.insert(key).second) return;
        m_order.push_back(key);
        if (m_order.size() <= kMost) return;
        m_keys.erase(m_order.front());
        m_order.pop_front();
    }
    bool has(const std::string& key) const {
        const std::lock_guard lock(m_mutex);
        return m_keys.contains(key);
    }

private:
    mutable std::mutex m_mutex;
    std::unordered_set<std::string> m_keys;
    std::deque<std::string> m_order;
};

}  // namespace sekisho::gateway

// Current<T>: a value that is replaced whole while others read it (configuration, access). Readers keep the version they took.
// Thread-safe.
#pragma once

#include <memory>
#include <mutex>

namespace sekisho::gateway {

template <class T>
class Current {
public:
    std::shared_ptr<const T> load() const {
        const std::lock_guard lock(m_mutex);
        return m_value;
    }
    void store(std::shared_ptr<const T> value) {
        const std::lock_guard lock(m_mutex);
        m_value.swap(value);
    }

private:
    mutable std::mutex m_mutex;
    std::shared_ptr<const T> m_value;
};

}  // namespace sekisho::gateway

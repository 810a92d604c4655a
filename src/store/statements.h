// What statements of the store share: bounds, and statements that are parsed once and run often. Private
// to store; one thread at a time.
#pragma once

#include <string>
#include <string_view>

#include <soci/soci.h>

namespace sekisho::store {

inline constexpr std::size_t kMostRows = 100001;  // one more than anybody is shown

/// Runs a statement that was parsed before. SOCI loses memory when one that has failed is run again: whoever owns it makes it anew.
class Run {
public:
    bool failed() const { return m_running; }
    void operator()(soci::statement& statement) {
        m_running = true;
        statement.execute(true);
        m_running = false;
    }

private:
    bool m_running = false;
};

}  // namespace sekisho::store

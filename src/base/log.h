// The program's own log: one line of key=value on stderr. Audit is something else (model/audit.h, store).
// Values are quoted and control characters escaped, so that no peer can forge a line. Thread-safe.
// Never pass a secret; what a stranger can cause goes through `warn_limited`.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace sekisho::base::log {

enum class Level { Debug, Info, Warn, Error };

struct Field {
    std::string_view key;
    std::string value;
};

void threshold(Level level);
bool enabled(Level level);
void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::Debug, event, fields); }
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::Info, event, fields); }
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::Warn, event, fields); }
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::Error, event, fields); }

/// At most 10 lines a second for each event name; what was left out is counted in the next line.
void warn_limited(std::string_view event, std::initializer_list<Field> fields = {});

}  // namespace sekisho::base::log

namespace sekisho {
namespace log = base::log;
}

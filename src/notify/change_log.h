// ChangeLog: users_changelog.txt, one line for each user that `users_from` brought or took, in the form that scripts around the old
// bastion read (row B5). Called by gateway/users_from once the store knows; a line may wait for the disk.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace sekisho::notify {

class ChangeLog {
public:
    enum class Change { Created, Removed };

    explicit ChangeLog(std::string path) : m_path(std::move(path)) {}

    /// Appends what line() made, in one write.
    Result<void> write(std::string_view lines) const;

    /// "YYYY-MM-DD HH-MM-SS: Creating user account for NAME (OBJECT)\n", or "Removing …". Local time. Control characters of an object's
    /// name become '_'.
    static std::string line(Change change, std::string_view user, std::string_view object, WallTime when);

private:
    const std::string m_path;
};

}  // namespace sekisho::notify

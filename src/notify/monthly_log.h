// MonthlyLog: sshfw-YYYYMM.log, one line for each START and FINISH, in the form that scripts around the old forward server
// read (row A5). Called by app's composition for each session; a line may wait for the disk, so not on a loop. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace sekisho::notify {

class MonthlyLog {
public:
    enum class Moment { Start, Finish };

    /// The folder is made when it is missing.
    explicit MonthlyLog(std::string folder) : m_folder(std::move(folder)) {}

    /// Appends one line with one write, to the file of `when`'s month. Local time.
    Result<void> write(Moment moment, std::string_view user, std::string_view address, WallTime when) const;

    /// "[MM/DD HH:MM:SS] USER rhost=ADDR START\n". Characters that neither a name nor an address has become '_'.
    static std::string line(Moment moment, std::string_view user, std::string_view address, WallTime when);
    std::string path(WallTime when) const;

private:
    const std::string m_folder;
};

}  // namespace sekisho::notify

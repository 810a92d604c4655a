// MonthlyLog: sshfw-YYYYMM.log, one line for each START and FINISH, in the form that scripts around the old forward server
// read (row A5). Called by app's composition for each session; a line may wait for the disk, so not on a loop. Thread-safe.
#pragma once

#include <mutex>
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
    ~MonthlyLog();
    MonthlyLog(const MonthlyLog&) = delete;
    MonthlyLog& operator=(const MonthlyLog&) = delete;

    /// How long lines may go to a file that somebody has moved away meanwhile.
    static constexpr std::chrono::seconds kKeptOpen{1};
    /// Appends one line with one write, to the file of `when`'s month. Local time.
    Result<void> write(Moment moment, std::string_view user, std::string_view address, WallTime when);

    /// "[MM/DD HH:MM:SS] USER rhost=ADDR START\n". Characters that neither a name nor an address has become '_'.
    static std::string line(Moment moment, std::string_view user, std::string_view address, WallTime when);
    std::string path(WallTime when) const;

private:
    Result<int> file_of(WallTime when);
    void close_file();

    const std::string m_folder;
    std::mutex m_mutex;  // everything below
    int m_file = -1;
    std::string m_path;
    TimePoint m_open_until{};
};

}  // namespace sekisho::notify

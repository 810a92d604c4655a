// `sekisho recordings show --files`: what sftp and scp did in a session, one line for each operation.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/recordings.h"
#include "recording/file_listing.h"

namespace sekisho::cli {

int show_files(const Context& context, const std::string& which, const std::string& key_file, bool json) {
    auto reader = open_recording(context, which, key_file);
    if (!reader) return failed(reader.error());
    recording::FileEvents events(*reader, std::nullopt);
    nlohmann::json all = nlohmann::json::array();
    std::vector<std::vector<std::string>> rows;
    while (const auto event = events.next()) {
        if (json) {
            all.push_back(nlohmann::json::parse(recording::full_json(*event, reader->facts())));
            continue;
        }
        const std::uint64_t moved = event->bytes_read + event->bytes_written;
        std::string path = printable(event->path);
        if (!event->other_path.empty()) path += " -> " + printable(event->other_path);
        if (!event->detail.empty()) path += "  (" + printable(event->detail) + ")";
        const bool fine = event->result == "ok";
        rows.push_back({base::local_time(reader->facts().started + event->at, "%H:%M:%S"), printable(event->via),
            printable(event->operation), styled(fine ? Style::Plain : Style::Yellow, printable(event->result)),
            moved == 0 && event->sha256.empty() ? "" : fmt::format("{}", moved), printable(event->sha256), path});
    }
    if (json) {
        print_line(all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        print_table({"TIME", "VIA", "OPERATION", "RESULT", "BYTES", "SHA-256", "PATH"}, rows);
    }
    return report(*reader);
}

}  // namespace sekisho::cli

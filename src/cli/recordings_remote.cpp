#include "cli/recordings_remote.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "cli/gateway_call.h"
#include "web/api.h"

namespace sekisho::cli {

bool is_closed(const std::string& path) { return ::access(path.c_str(), R_OK) != 0 && errno == EACCES; }

Result<std::string> fetch_recording(const Context& context, const std::string& audit_key) {
    std::error_code none;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
    const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return fail("cannot make a temporary file in " + folder.string(), std::system_category().message(errno));
    for (std::uint64_t offset = 0;;) {
        const auto piece = fetch_from_gateway(context,
            with_query("/v1/recordings/" + web::url_encoded(audit_key) + "/content", {{"offset", std::to_string(offset)}}));
        if (!piece) {
            ::close(fd);
            return std::unexpected(piece.error());
        }
        if (piece->empty()) break;
        std::string_view rest = *piece;
        while (!rest.empty()) {
            const ssize_t n = ::write(fd, rest.data(), rest.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                const int error = errno;
                ::close(fd);
                return fail("cannot write a temporary file in " + folder.string(), std::system_category().message(error));
            }
            rest.remove_prefix(static_cast<std::size_t>(n));
        }
        offset += piece->size();
    }
    return fmt::format("/proc/self/fd/{}", fd);  // open until this process ends
}

int list_recordings(const Context& context, const std::string& user, bool json) {
    const auto answer = call_gateway(context, "GET", with_query("/v1/recordings", {{"user", user}, {"most", "100000"}}));
    if (!answer) return failed(answer.error());
    if (json) {
        print_line(answer->at("recordings").pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& r : answer->list("recordings"))
        rows.push_back({r.text("audit_key"), r.text("user"), r.text("started"), r.text("finished"), r.text("target"),
            r.text("result")});
    print_table({"AUDIT KEY", "USER", "STARTED", "FINISHED", "TARGET", "RESULT"}, rows);
    return kDone;
}

}  // namespace sekisho::cli

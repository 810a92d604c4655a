#include "cli/recordings_remote.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "cli/audit_records.h"
#include "cli/gateway_call.h"
#include "shipping/fetch.h"
#include "web/api.h"

namespace sekisho::cli {

namespace {

constexpr const char* kBrokenOff = "it could not be fetched whole from the bucket; the gateway's log says why";

/// A file without a name, which goes with this process.
Result<int> temporary_file() {
    std::error_code none;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
    const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return fail("cannot make a temporary file in " + folder.string(), std::system_category().message(errno));
    return fd;
}

/// Where no gateway runs: with the access key that the configuration names, if this account may read it.
Result<std::unique_ptr<shipping::Bucket>> own_bucket(const Context& context) {
    const auto config = context.config();
    if (!config) return std::unexpected(config.error());
    const auto read = [](const std::string& path, std::size_t most) -> Result<std::string> {
        std::ifstream file(path, std::ios::binary);
        if (!file.is_open()) return fail("cannot read " + path);
        std::string text(most, '\0');
        file.read(text.data(), static_cast<std::streamsize>(most));
        text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
        return text;
    };
    auto bucket = shipping::open_bucket(*config, read, false);
    if (!bucket) return std::unexpected(bucket.error());
    if (!*bucket) return fail("recordings are not shipped anywhere: recording.upload.url is empty");
    return bucket;
}

/// What there is in the bucket, piece by piece; with an empty audit key the list.
Result<void> from_bucket(
    const Context& context, const std::string& audit_key, const std::string& session, const shipping::TakePiece& take) {
    if (gateway_listens(context)) {
        bool wrong = false;
        const std::string target =
            audit_key.empty() ? "/v1/bucket"
                              : with_query("/v1/recordings/" + web::url_encoded(audit_key) + "/content",
                                    {{"from_bucket", "1"}, {"session", session}});
        const auto done = stream_from_gateway(context, target, [&](std::string_view piece) {
            wrong = !take(std::string(piece));
            return !wrong;
        });
        if (wrong) return fail("the rest was not wanted");
        if (!done && !done.error().detail.empty()) return fail(kBrokenOff, done.error().detail);
        return done;
    }
    auto bucket = own_bucket(context);
    if (!bucket) return std::unexpected(bucket.error());
    if (audit_key.empty()) return shipping::fetch_list(**bucket, take);
    const auto object = shipping::find_object(**bucket, audit_key, session);
    if (!object) return std::unexpected(object.error());
    return shipping::fetch_object(**bucket, *object, take);
}

}  // namespace

bool is_closed(const std::string& path) { return ::access(path.c_str(), R_OK) != 0 && errno == EACCES; }

Result<std::string> fetch_recording(const Context& context, const std::string& audit_key) {
    const auto made = temporary_file();
    if (!made) return std::unexpected(made.error());
    const int fd = *made;
    for (std::uint64_t offset = 0;;) {
        const auto piece = fetch_from_gateway(context,
            with_query("/v1/recordings/" + web::url_encoded(audit_key) + "/content", {{"offset", std::to_string(offset)}}));
        if (!piece) {
            ::close(fd);
            return std::unexpected(piece.error());
        }
        if (piece->empty()) break;
        if (!write_all(fd, *piece)) {
            const int error = errno;
            ::close(fd);
            return fail("cannot write a temporary file", std::system_category().message(error));
        }
        offset += piece->size();
    }
    return fmt::format("/proc/self/fd/{}", fd);  // open until this process ends
}

Result<std::string> fetch_from_bucket(const Context& context, const std::string& audit_key, const std::string& session) {
    const auto fd = open_in_bucket(context, audit_key, session);
    if (!fd) return std::unexpected(fd.error());
    return fmt::format("/proc/self/fd/{}", *fd);
}

Result<int> open_in_bucket(const Context& context, const std::string& audit_key, const std::string& session) {
    const auto fd = temporary_file();
    if (!fd) return std::unexpected(fd.error());
    Progress progress("bytes fetched from the bucket");
    bool written = true;
    const auto done = from_bucket(context, audit_key, session, [&](const std::string& piece) {
        written = write_all(*fd, piece);
        progress.step(0, piece.size());
        return written;
    });
    if (done) return *fd;
    ::close(*fd);
    if (!written) return fail("cannot write a temporary file", std::system_category().message(errno));
    return std::unexpected(done.error());
}

Result<std::vector<InBucket>> list_bucket(const Context& context) {
    std::string text;
    const auto done = from_bucket(context, "", "", [&](const std::string& piece) {
        text += piece;
        return text.size() < (1U << 30);
    });
    if (!done) return std::unexpected(done.error());
    std::vector<InBucket> all;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const auto line = JsonView::parse(std::string(rest.substr(0, end)));
        if (!line) return fail("the list of the bucket is not understood");
        all.push_back({line->text("object"), line->number("size"), line->text("audit_key"), line->text("session")});
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return all;
}

ShippingStates shipping_states(const Context& context, const std::string& user) {
    ShippingStates states;
    const auto answer = call_gateway(context, "GET", with_query("/v1/recordings", {{"user", user}, {"most", "100000"}}));
    states.known = answer.has_value();
    if (!answer) return states;
    for (const JsonView& one : answer->list("recordings")) {
        const std::string state = one.text("shipping");
        states.by_session[one.text("session")] = state;
        if (state == "removed" || state == "expiring" || state == "expired") states.elsewhere.push_back(one);
    }
    return states;
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
            r.text("result"), r.text("shipping")});
    print_table({"AUDIT KEY", "USER", "STARTED", "FINISHED", "TARGET", "RESULT", "SHIPPING"}, rows);
    return kDone;
}

}  // namespace sekisho::cli

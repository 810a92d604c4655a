// keygen: an auditor's pair of keys. The public half goes into `recording.seal_to` of the gateways, the private half stays with the
// auditor: without it a sealed recording cannot be read by anybody. Form: base64 of 32 bytes without a line end, as ssh-log-cli has it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "crypto/x25519.h"
#include "recording/seal.h"

namespace sekisho::cli {
namespace {

struct KeygenOptions {
    std::string name;
    bool json = false;
};

/// Only a new file: a key that is overwritten takes every recording that was sealed to it with it.
Result<void> write_new(const std::string& path, std::string_view text, mode_t mode) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        return fail(errno == EEXIST ? path + " is there already; name another file" : "cannot write " + path,
            errno == EEXIST ? "" : std::system_category().message(errno));
    }
    const ssize_t written = ::write(fd, text.data(), text.size());
    const bool kept = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    const int error = errno;
    ::close(fd);
    if (kept) return {};
    ::unlink(path.c_str());
    return fail("cannot write " + path, std::system_category().message(error));
}

int generate(const KeygenOptions& options) {
    const crypto::X25519Pair pair = crypto::x25519_generate(crypto::system_random());
    std::string secret = base::base64(pair.secret.bytes());
    const std::string public_path = options.name + ".pub";
    Result<void> done = write_new(options.name, secret, 0600);
    base::wipe(std::as_writable_bytes(std::span(secret)));
    if (!done) return failed(done.error());
    const std::string public_key = recording::text_of(pair.public_value);
    done = write_new(public_path, public_key, 0644);
    if (!done) {
        ::unlink(options.name.c_str());
        return failed(done.error());
    }
    if (options.json) {
        const nlohmann::json object{{"private", options.name}, {"public", public_path}, {"public_key", public_key}};
        print_line(object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return kDone;
    }
    print_line(fmt::format("{}: the private key. Keep it, and a copy, away from the gateway.", options.name));
    print_line(fmt::format("{}: the public key. On each gateway, then restart it:", public_path));
    print_line(fmt::format("\n[recording]\nseal_to = [\"{}\"]", public_key));
    return kDone;
}

}  // namespace

void add_keygen_command(CLI::App& app, Context& context) {
    auto options = std::make_shared<KeygenOptions>();
    CLI::App* command = app.add_subcommand("keygen", "Make an auditor's pair of keys, for sealed recordings");
    command->add_option("name", options->name, "file of the private key; the public one is NAME.pub")->required();
    command->add_flag("--json", options->json, "as JSON");
    command->footer(examples({"sekisho keygen auditor", "sekisho recordings play --key auditor 2026-11-22_05-16-00_alice"}));
    command->callback([&context, options] { context.run = [options] { return generate(*options); }; });
}

}  // namespace sekisho::cli

// target secret: credentials of the gateway for targets. They are read from a file or standard input, never from the command line, and
// sealed to the keyholder here: what the gateway and its API get is of no use to them.
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/field_words.h"
#include "cli/gateway_call.h"
#include "keys/private_key.h"
#include "keys/stored_secret.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

struct SecretOptions {
    std::string target;
    std::string login;
    std::string key_file;
    std::string password_file;
    bool password_stdin = false;
    bool key = false;
    bool password = false;
    bool json = false;
};

/// Nothing that is typed is shown.
class QuietTerminal {
public:
    QuietTerminal() {
        if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &m_before) != 0) return;
        termios quiet = m_before;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        m_changed = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;
    ~QuietTerminal() {
        if (m_changed) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &m_before);
    }

private:
    termios m_before{};
    bool m_changed = false;
};

/// All of a file, or of standard input ("-"; what is typed there, up to the end of the line).
Result<Secret> read_secret(const std::string& path, std::size_t most) {
    const bool standard = path == "-";
    const int fd = standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return fail("cannot read " + path, std::system_category().message(errno));
    const bool typed = standard && ::isatty(STDIN_FILENO) != 0;
    if (typed) fmt::print(stderr, "Password: ");
    const QuietTerminal quiet;
    Secret text(most + 3);  // an end of line, and one byte too many
    std::size_t size = 0;
    Result<void> done;
    while (size < text.size()) {
        const ssize_t n = ::read(fd, text.bytes().data() + size, text.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) done = fail("cannot read " + path, std::system_category().message(errno));
        if (n <= 0) break;
        size += static_cast<std::size_t>(n);
        if (typed && text.bytes()[size - 1] == std::byte{'\n'}) break;
    }
    if (typed) fmt::print(stderr, "\n");
    if (!standard) ::close(fd);
    if (!done) return std::unexpected(done.error());
    return Secret(BytesView(text.bytes()).first(size));
}

Result<Secret> read_key(const std::string& path) {
    auto text = read_secret(path, keys::kMostSecretKey);
    if (!text) return text;
    if (text->size() > keys::kMostSecretKey) return fail(path + " is too long for a private key");
    const auto letters = base::text_view(text->bytes());
    if (keys::PrivateKey::needs_passphrase(letters)) {
        return fail(fmt::format(
            "{} is protected by a passphrase, which the gateway could not type; make a key for the gateway alone, or take "
            "the passphrase off a copy of it: ssh-keygen -p -f COPY -N ''",
            path));
    }
    const auto key = keys::PrivateKey::from_text(letters);
    if (!key) return fail(fmt::format("{}: {}", path, key.error().text));
    return text;
}

/// One line.
Result<Secret> read_password(const std::string& path) {
    auto text = read_secret(path, keys::kMostSecretPassword);
    if (!text) return text;
    std::size_t size = text->size();
    if (size > 0 && text->bytes()[size - 1] == std::byte{'\n'}) --size;
    if (size > 0 && text->bytes()[size - 1] == std::byte{'\r'}) --size;
    const BytesView line = BytesView(text->bytes()).first(size);
    if (line.empty()) return fail(path == "-" ? "no password came on standard input" : path + " is empty");
    if (size > keys::kMostSecretPassword) return fail("a password has at most 1024 bytes");
    for (const std::byte one : line) {
        if (one == std::byte{0} || one == std::byte{'\n'} || one == std::byte{'\r'}) return fail("a password is one line");
    }
    return Secret(line);
}

std::string secret_path(const SecretOptions& options) {
    return fmt::format("/v1/secrets/{}", web::url_encoded(options.target));
}

int shown(const Result<JsonView>& answer, const SecretOptions& options) {
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& one : answer->list("secrets")) {
        rows.push_back({one.text("target"), one.text("login"), one.text("kind"), one.text("fingerprint"), one.text("set_at"),
            one.text("set_by")});
    }
    print_table({"TARGET", "LOGIN", "KIND", "FINGERPRINT", "SET", "BY"}, rows);
    for (const std::string& warning : answer->texts("warnings"))
        print_line(styled(Style::Yellow, "warning: " + printable(warning)));
    return kDone;
}

int list(const Context& context, const SecretOptions& options) {
    return shown(call_gateway(context, "GET", with_query("/v1/secrets", {{"target", options.target}})), options);
}

/// The file itself where it can be read: nobody in between can say that it is another key.
Result<std::string> seal_to(const Context& context) {
    const auto config = context.config();
    if (!config) return std::unexpected(config.error());
    std::ifstream file(config->wrapping_key_path() + ".pub");
    std::string line;
    if (file && std::getline(file, line)) return line;
    const auto answer = call_gateway(context, "GET", "/v1/secrets");
    if (!answer) return std::unexpected(answer.error());
    line = answer->text("seal_to");
    if (line.empty()) return fail("there is no wrapping key; `sekisho init` makes it, then restart the gateway");
    return line;
}

/// The target's first login, where none is stated: it is part of what is sealed.
Result<std::string> login_of(const Context& context, const SecretOptions& options) {
    if (!options.login.empty()) return options.login;
    const auto answer = call_gateway(context, "GET", "/v1/targets/" + web::url_encoded(options.target));
    if (!answer) return std::unexpected(answer.error());
    const auto logins = answer->at("target").texts("logins");
    if (logins.empty()) return fail("target " + printable(options.target) + " has no login; say whose it is with --login");
    if (logins.front().starts_with('{')) return fail("each user has a login there: say which one is meant with --login");
    return logins.front();
}

int set(const Context& context, const SecretOptions& options) {
    const bool from_standard = options.password_stdin;
    const int ways = (options.key_file.empty() ? 0 : 1) + (options.password_file.empty() ? 0 : 1) + (from_standard ? 1 : 0);
    if (ways != 1) {
        (void)failed("say one of --key FILE, --password-stdin and --password-file FILE");
        return kUsage;
    }
    const bool key = !options.key_file.empty();
    const auto to = seal_to(context);
    if (!to) return failed(to.error());
    const auto login = login_of(context, options);
    if (!login) return failed(login.error());
    const auto secret = key ? read_key(options.key_file) : read_password(from_standard ? "-" : options.password_file);
    if (!secret) return failed(secret.error());
    const auto kind = key ? keys::SecretKind::Key : keys::SecretKind::Password;
    const auto sealed = keys::seal_secret(*to, {kind, options.target, *login}, secret->bytes());
    if (!sealed) return failed(sealed.error());
    const std::string body = secret_body(key ? "key" : "password", *login, base::base64(*sealed));
    return shown(call_gateway(context, "PUT", secret_path(options), body), options);
}

int remove(const Context& context, const SecretOptions& options) {
    if (options.key == options.password) {
        (void)failed("say which one: --key or --password");
        return kUsage;
    }
    const auto login = login_of(context, options);
    if (!login) return failed(login.error());
    const auto query = with_query(secret_path(options), {{"login", *login}, {"kind", options.key ? "key" : "password"}});
    return shown(call_gateway(context, "DELETE", query), options);
}

}  // namespace

void add_secret_commands(CLI::App& target, Context& context) {
    CLI::App* command =
        target.add_subcommand("secret", "Keys and passwords that the gateway itself signs in with (auth = key, password)");
    command->require_subcommand(1);
    command->footer(examples({"sekisho target secret set switch1 --login admin --password-stdin < password.txt",
        "sekisho target secret set router1 --key id_gateway", "sekisho target secret ls",
        "sekisho target secret rm router1 --key"}));
    auto options = std::make_shared<SecretOptions>();
    CLI::App* ls = add_work(*command, context, options, "ls", "What is stored: for whom, since when, and by whom; never the secret", list);
    ls->add_option("NAME", options->target, "Only this target's");
    CLI::App* setting = add_work(*command, context, options, "set", "Stores a key or a password; the keyholder wraps it", set);
    CLI::App* removing = add_work(*command, context, options, "rm", "Removes a stored key or password", remove);
    for (CLI::App* sub : {setting, removing}) {
        sub->add_option("NAME", options->target, "The target")->required();
        sub->add_option("--login", options->login, "Whose it is there; without it, the target's first login");
    }
    setting->add_option("--key", options->key_file, "File of a private key without a passphrase; - is standard input");
    setting->add_flag("--password-stdin", options->password_stdin, "A password from standard input, one line");
    setting->add_option("--password-file", options->password_file, "A password from a file, one line");
    removing->add_flag("--key", options->key, "The key");
    removing->add_flag("--password", options->password, "The password");
}

}  // namespace sekisho::cli

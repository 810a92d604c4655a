// key: users' public keys, in whatever text form people have them.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <fstream>
#include <iterator>

#include "cli/command.h"
#include "cli/difference_output.h"
#include "cli/field_words.h"
#include "cli/gateway_call.h"
#include "keys/key_import.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

constexpr std::size_t kMostText = 1U << 20;

struct KeyOptions {
    std::string user;
    std::string key;
    std::string file = "-";
    std::string key_options;
    std::string comment;
    std::vector<std::string> words;
    bool json = false;
};

std::string keys_path(const KeyOptions& options) { return fmt::format("/v1/users/{}/keys", web::url_encoded(options.user)); }

std::vector<std::string> row_of(const std::string& user, const std::string& line) {
    const auto key = keys::parse_authorized_key(line);
    if (!key) return {user, "?", "?", "", line};
    return {
        user, std::string(keys::blob_name(key->key.kind())), key->key.fingerprint(), key->comment, keys::options_text(*key)};
}

int list_keys(const Context& context, const KeyOptions& options) {
    if (!options.user.empty() || options.json) {
        if (options.user.empty()) return failed("say whose keys: sekisho key ls USER --json");
        const auto answer = call_gateway(context, "GET", keys_path(options));
        if (!answer) return failed(answer.error());
        if (options.json) {
            print_line(answer->at("keys").pretty());
            return kDone;
        }
        std::vector<std::vector<std::string>> rows;
        for (const JsonView& key : answer->list("keys")) rows.push_back(row_of(options.user, key.text("line")));
        print_table({"USER", "TYPE", "FINGERPRINT", "COMMENT", "OPTIONS"}, rows);
        return kDone;
    }
    const auto answer = call_gateway(context, "GET", "/v1/users");
    if (!answer) return failed(answer.error());
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& user : answer->list("users")) {
        for (const std::string& line : user.texts("keys")) rows.push_back(row_of(user.text("name"), line));
    }
    print_table({"USER", "TYPE", "FINGERPRINT", "COMMENT", "OPTIONS"}, rows);
    return kDone;
}

/// The key that a fingerprint or its beginning, or a comment names: exactly one.
Result<JsonView> find(const Context& context, const KeyOptions& options) {
    const auto answer = call_gateway(context, "GET", keys_path(options));
    if (!answer) return std::unexpected(answer.error());
    std::vector<JsonView> found;
    for (const JsonView& key : answer->list("keys")) {
        const std::string fingerprint = key.text("fingerprint");
        if (fingerprint == options.key) return key;
        const bool begins = options.key.size() >= 12 && fingerprint.starts_with(options.key);
        if (begins || key.text("comment") == options.key) found.push_back(key);
    }
    if (found.size() == 1) return found.front();
    if (found.empty())
        return fail(fmt::format("user {} has no key {}; `sekisho key ls {}` shows fingerprints and comments",
            printable(options.user), printable(options.key), printable(options.user)));
    return fail(fmt::format("user {} has {} keys called {}; name one by its fingerprint", printable(options.user),
        found.size(), printable(options.key)));
}

int show(const Context& context, const KeyOptions& options) {
    const auto key = find(context, options);
    if (!key) return failed(key.error());
    print_line(options.json ? key->pretty() : printable(key->text("line")));
    return kDone;
}

int add(const Context& context, const KeyOptions& options) {
    std::ifstream stream(options.file == "-" ? "/dev/stdin" : options.file, std::ios::binary);
    if (!stream) return failed("cannot read " + options.file);
    std::string text(kMostText + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (stream.bad()) return failed("cannot read " + options.file);
    if (text.size() > kMostText) return failed(options.file + " is larger than 1 MiB");
    if (text.empty())
        return failed(options.file == "-" ? "no key came on standard input: sekisho key add USER < key.pub"
                                          : options.file + " is empty");
    const std::string target =
        with_query(keys_path(options), {{"options", options.key_options}, {"comment", options.comment}});
    return changed(call_gateway(context, "POST", target, text), options.json);
}

int change(const Context& context, const KeyOptions& options, std::string_view method, const std::string& body) {
    const auto key = find(context, options);
    if (!key) return failed(key.error());
    return changed(
        call_gateway(context, method, with_query(keys_path(options), {{"fingerprint", key->text("fingerprint")}}), body),
        options.json);
}

int set(const Context& context, const KeyOptions& options) {
    const auto body = key_body(options.words);
    if (!body) return failed(body.error());
    return change(context, options, "PATCH", *body);
}

int remove(const Context& context, const KeyOptions& options) { return change(context, options, "DELETE", {}); }

}  // namespace

void add_key_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("key", "Users' public keys");
    command->require_subcommand(1);
    command->footer(examples({"sekisho key add alice < id_ed25519.pub", "sekisho key add alice authorized_keys",
        "sekisho key add partner --options 'restrict,from=\"192.0.2.0/24\"' < putty-export.pub",
        "sekisho key rm alice alice@laptop"}));
    auto options = std::make_shared<KeyOptions>();
    CLI::App* ls = add_work(*command, context, options, "ls", "Lists keys", list_keys);
    ls->add_option("USER", options->user, "Only this user's");
    CLI::App* one = add_work(*command, context, options, "show", "One key, as a line of authorized_keys", show);
    CLI::App* adding = add_work(
        *command, context, options, "add", "Adds keys: OpenSSH's line, RFC 4716, PEM, or a whole authorized_keys", add);
    CLI::App* setting = add_work(*command, context, options, "set", "Changes a key's options or comment", set);
    CLI::App* removing = add_work(*command, context, options, "rm", "Removes a key", remove);
    for (CLI::App* sub : {one, adding, setting, removing}) sub->add_option("USER", options->user, "Whose key")->required();
    for (CLI::App* sub : {one, setting, removing})
        sub->add_option("KEY", options->key, "Its fingerprint, the beginning of it, or its comment")->required();
    adding->add_option("FILE", options->file, "Where the keys are; without it, or as -, standard input");
    adding->add_option("--options", options->key_options, "Options as in authorized_keys, for keys that state none");
    adding->add_option("--comment", options->comment, "For keys without a comment");
    setting->add_option("FIELD=VALUE", options->words, "options=… or comment=…; nothing behind = clears")->required();
}

}  // namespace sekisho::cli

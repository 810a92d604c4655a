#include "cli/completion.h"

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "model/access_fields.h"
#include "model/user_ca.h"

namespace sekisho::cli {
namespace {

using Words = std::vector<std::string>;

// The scripts know nothing of the commands. zsh and fish split and quote words themselves; for bash it is done here and in the script.
constexpr const char* kBash =
    R"(# bash completion for sekisho. Put it into /etc/bash_completion.d, or: source <(sekisho completion bash)
_sekisho() {
    local out line whole cut= quoted= breaks="${COMP_WORDBREAKS//[!=:@]/}"
    COMPREPLY=()
    mapfile -t out < <("${COMP_WORDS[0]}" __complete --line "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    # The first line is the word that is being typed. bash ends words at some letters that stand within ours: it wants what is behind them.
    whole="${out[0]}"
    [[ ${COMP_WORDS[COMP_CWORD]} == [\'\"]* ]] && quoted=yes
    [[ $breaks && ! $quoted ]] && cut="${whole%"${whole##*[$breaks]}"}"
    for line in "${out[@]:1}"; do
        [[ $line == *[=.] ]] && compopt -o nospace 2>/dev/null
        line="${line#"$cut"}"
        [[ ! $quoted && $line == *[[:space:]\'\"\\\$\&\;\(\)\<\>\|\*\?]* ]] && printf -v line %q "$line"
        COMPREPLY+=("$line")
    done
}
complete -o default -F _sekisho sekisho
)";

constexpr const char* kZsh = R"(#compdef sekisho
# zsh completion for sekisho. Put it as _sekisho into a folder of $fpath, or: source <(sekisho completion zsh)
_sekisho() {
    local -a whole open
    local line
    for line in "${(@f)$("${words[1]}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        if [[ $line == *[=.] ]]; then open+=("$line"); else whole+=("$line"); fi
    done
    (( ${#whole} )) && compadd -- "${whole[@]}"
    (( ${#open} )) && compadd -S '' -- "${open[@]}"
    (( ${#whole} + ${#open} )) || _files
}
if [[ ${zsh_eval_context[-1]-} == loadautofunc ]]; then _sekisho "$@"; else compdef _sekisho sekisho; fi
)";

constexpr const char* kFish =
    R"(# fish completion for sekisho. Put it into ~/.config/fish/completions/sekisho.fish, or: sekisho completion fish | source
function __sekisho_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    $tokens[1] __complete -- $tokens[2..-1] "$current" 2>/dev/null
end
complete -c sekisho -f -a '(__sekisho_complete)'
complete -c sekisho -n 'test (count (__sekisho_complete)) -eq 0' -F
)";

bool starts(const std::string& word, const std::string& begin) { return word.starts_with(begin); }

CLI::App* sub_of(CLI::App& app, const std::string& name) {
    for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
        if (sub->get_name() == name) return sub;
    }
    return nullptr;
}

/// Also of the commands above it: --config may stand behind every command.
CLI::Option* option_of(CLI::App* app, const std::string& name) {
    for (; app; app = app->get_parent()) {
        if (CLI::Option* option = app->get_option_no_throw(name)) return option;
    }
    return nullptr;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

/// Where the words so far lead: the command, how many words without a dash it has got, and the option whose value comes next.
struct Place {
    CLI::App* app;
    std::size_t positionals = 0;
    CLI::Option* open = nullptr;
};

Place place_of(CLI::App& root, const Words& words) {
    Place place{&root};
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const std::string& word = words[i];
        if (place.open) {
            place.open = nullptr;
        } else if (word.starts_with('-') && word.size() > 1) {
            CLI::Option* option = word.find('=') == std::string::npos ? option_of(place.app, word) : nullptr;
            if (option && takes_value(*option)) place.open = option;
        } else if (CLI::App* sub = place.positionals == 0 ? sub_of(*place.app, word) : nullptr) {
            place.app = sub;
        } else {
            ++place.positionals;
        }
    }
    return place;
}

CLI::Option* positional(CLI::App& app, std::size_t number) {
    CLI::Option* last = nullptr;
    for (CLI::Option* option : app.get_options([](const CLI::Option* one) { return one->get_positional(); })) {
        last = option;
        if (number == 0) return option;
        --number;
    }
    // One that takes many takes what is left.
    return last && last->get_items_expected_max() > 1 ? last : nullptr;
}

/// FIELD=, and behind that the words that may stand there.
Words fields(const std::string& kind, const std::string& current, const Words& words, const NamesOf& names) {
    Words all;
    const std::size_t equals = current.find('=');
    if (kind == "key") return {"options=", "comment="};
    if (equals == std::string::npos) {
        for (const model::AccessField& field : model::access_fields(kind)) {
            if (field.name == "name") continue;
            all.push_back(std::string(field.name) + (field.type == model::FieldType::Pairs ? "." : "="));
        }
        return all;
    }
    std::string name = current.substr(0, equals);
    if (name.ends_with('+') || name.ends_with('-')) name.pop_back();
    const model::AccessField* field = model::access_field(kind, name);
    if (!field) return {};
    const std::size_t comma = current.rfind(',');
    const std::string before = current.substr(0, comma != std::string::npos && comma > equals ? comma + 1 : equals + 1);
    Words values(field->words.begin(), field->words.end());
    if (field->type == model::FieldType::Flag) values = {"true", "false"};
    if (name == "users") {
        values = names("users", words);
        for (const std::string& group : names("groups", words)) values.push_back("@" + group);
    } else if (name == "targets" || name == "route" || name == "via") {
        values = names("targets", words);
    } else if (name == "groups") {
        values = names("groups", words);
    }
    for (const std::string& value : values) all.push_back(before + value);
    return all;
}

/// What the value of an option or a word without a dash may be, by its name.
Words values(
    const CLI::Option& option, const CLI::App& app, const std::string& current, const Words& words, const NamesOf& names) {
    const std::string name = option.get_positional() ? option.get_name(true) : option.get_name();
    const std::string kind = app.get_parent() ? app.get_parent()->get_name() : std::string();
    if (name == "FIELD=VALUE") return fields(kind, current, words, names);
    if (name == "USER" || name == "--user") return names("users", words);
    if (name == "GROUP") return names("groups", words);
    if (name == "KEY") return names("keys", words);
    if (name == "--target") return names("targets", words);
    if (name == "--before") return names(kind + "s", words);
    if (name == "--as") {
        const auto& words_there = model::access_field("rule", "allow")->words;
        return {words_there.begin(), words_there.end()};
    }
    if (name == "NAME" && app.get_name() == "add") return {};
    if (name == "NAME" && (kind == "user" || kind == "target" || kind == "rule" || kind == "route"))
        return names(kind + "s", words);
    if (name == "NAME" && kind == "client-host") return names("client_hosts", words);
    if (name == "SHELL") return {"bash", "zsh", "fish"};
    if (name != "TARGET") return {};
    // LOGIN@TARGET: the login is for the user to know.
    Words all;
    const std::size_t at = current.rfind('@');
    for (const std::string& target : names("targets", words)) {
        all.push_back((at == std::string::npos ? "" : current.substr(0, at + 1)) + target);
    }
    return all;
}

int print_script(const std::string& shell) {
    if (shell == "bash") print(kBash);
    if (shell == "zsh") print(kZsh);
    if (shell == "fish") print(kFish);
    return kDone;
}

}  // namespace

std::string stated_config(const Words& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--config" && i + 2 < words.size()) return words[i + 1];
        if (words[i].starts_with("--config=")) return words[i].substr(9);
    }
    return {};
}

Words shell_words(std::string_view line) {
    Words words(1);
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else if (c == '\\' && quote == '"' && i + 1 < line.size() && (line[i + 1] == '"' || line[i + 1] == '\\'))
                words.back() += line[++i];
            else
                words.back() += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '\\') {
            if (i + 1 < line.size()) words.back() += line[++i];
        } else if (c == ' ' || c == '\t') {
            if (i > 0 && line[i - 1] != ' ' && line[i - 1] != '\t') words.emplace_back();
        } else {
            words.back() += c;
        }
    }
    return words;
}

Words candidates(CLI::App& app, const Words& words, const NamesOf& names) {
    const std::string current = words.empty() ? std::string() : words.back();
    const Place place = place_of(app, words);
    Words all;
    if (place.open) {
        all = values(*place.open, *place.app, current, words, names);
    } else if (current.starts_with('-')) {
        for (CLI::App* at = place.app; at; at = at->get_parent()) {
            for (const CLI::Option* option : at->get_options([](const CLI::Option* one) { return one->nonpositional(); })) {
                for (const std::string& name : option->get_lnames()) {
                    const bool above = at != place.app && name != "config";
                    if (!above) all.push_back("--" + name);
                }
            }
        }
    } else {
        if (place.positionals == 0) {
            for (CLI::App* sub : place.app->get_subcommands([](CLI::App*) { return true; })) all.push_back(sub->get_name());
        }
        if (const CLI::Option* option = positional(*place.app, place.positionals))
            all = values(*option, *place.app, current, words, names);
    }
    std::erase_if(all, [&](const std::string& word) { return !starts(word, current); });
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

void add_completion_command(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("completion", "A script with which a shell completes commands, options and names");
    auto shell = std::make_shared<std::string>();
    command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->footer(examples(
        {"source <(sekisho completion bash)", "sekisho completion fish > ~/.config/fish/completions/sekisho.fish"}));
    command->callback([&context, shell] { context.run = [shell] { return print_script(*shell); }; });
}

}  // namespace sekisho::cli

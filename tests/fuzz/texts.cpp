// Texts that people write, or that a client names: the configuration, access files, forwards, hours, destinations, commands. The
// first byte chooses. What a parser accepts must be accepted again as it is written, where there is such a form.
#include <cstdlib>

#include "app/config_file.h"
#include "base/duration.h"
#include "gateway/exec_kind.h"
#include "model/forward.h"
#include "model/hours.h"
#include "model/pattern.h"
#include "policy/decide.h"
#include "store/access_file.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace sekisho;

void must(bool condition) {
    if (!condition) std::abort();
}

void network(std::string_view text) {
    if (const auto address = base::Address::parse(text)) {
        must(text.find('\0') == std::string_view::npos);
        const auto again = base::Address::parse(address->text());
        must(again && *again == *address);
    }
    if (const auto network = base::Network::parse(text)) must(network->contains(network->address));
    (void)base::parse_host_port(text);
    if (const auto host = model::ForwardHost::parse(text)) {
        // Nothing that a resolver would read as another address gets through.
        must(host->address || !base::ends_in_number(host->name));
        const auto again = model::ForwardHost::parse(host->name);
        must(again && again->name == host->name);
    }
    if (const auto entry = model::ForwardEntry::parse(text)) must(entry->ports.low <= entry->ports.high);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text = base::text_view(std::as_bytes(std::span(data + 1, size - 1)));
    switch (data[0] % 6) {
        case 0: (void)app::parse_config(text, "file.toml"); break;
        case 1: (void)store::parse_access({{"access.toml", std::string(text)}}); break;
        case 2: network(text); break;
        case 3:
            (void)model::Hours::parse(text);
            if (const auto time = base::parse_duration(text)) {
                const auto again = base::parse_duration(base::duration_text(*time));
                must(again && *again == *time);
            }
            break;
        case 4: {
            static const model::Access nobody;
            if (const auto destination = policy::parse_destination(nobody, text, {"alice"})) {
                must(destination->user.empty() || model::is_user_name(destination->user));
                must(destination->login.empty() || model::is_login(destination->login));
            }
            break;
        }
        default: {
            const auto capability = gateway::exec_capability(text);
            must(capability == model::Capability::Scp || capability == model::Capability::Exec);
            (void)gateway::parse_command_form(text);
        }
    }
    return 0;
}

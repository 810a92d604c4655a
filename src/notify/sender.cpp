#include "notify/sender.h"

#include <unistd.h>

#include <array>

#include "notify/mail.h"

namespace sekisho::notify {

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
    return name.data();
}

std::string plain_host_name() {
    std::string out;
    for (const char c : host_name()) {
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (fine) out += c;
    }
    return out.empty() ? "localhost" : out;
}

std::string sender_address(const model::MailConfig& config) {
    if (!config.from.empty()) return config.from;
    if (is_mail_address(config.user)) return config.user;
    const std::string ours = "sekisho@" + plain_host_name();
    return is_mail_address(ours) ? ours : "sekisho@localhost";
}

}  // namespace sekisho::notify

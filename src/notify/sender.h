// Who we are to others: this machine's name, and the address that mails come from.
#pragma once

#include <string>

#include "model/config.h"

namespace sekisho::notify {

std::string host_name();
/// What a relay takes behind EHLO and a Message-ID behind its @: letters, digits, '-' and '.'.
std::string plain_host_name();
/// mail.from, else mail.user where that is an address, else sekisho@ this machine.
std::string sender_address(const model::MailConfig& config);

}  // namespace sekisho::notify

// FrontChannel: what FrontHop knows of each channel that its client opened: a session or a forward. Owned by FrontHop.
#pragma once

#include <string>

namespace sekisho::gateway {

class FrontChannel {
public:
    virtual ~FrontChannel() = default;
    /// The front hop ended: nothing is sent there any more.
    virtual void front_gone() = 0;
    /// The gateway ends the session: its last words to whoever reads this channel, then its end. False: there is nobody to tell.
    virtual bool end(const std::string& text) = 0;
    /// The recording takes data again: give the credit that was held back.
    virtual void credit_released() = 0;
};

}  // namespace sekisho::gateway

// TargetUser: who needs the hop to a target: channels of the client, the sign-in to a target that asks, and targets behind it.
#pragma once

#include <string>

namespace sekisho::gateway {

/// target_lost is the last call; it may come instead of target_ready.
class TargetUser {
public:
    virtual void target_ready() = 0;
    virtual void target_lost(const std::string& text) = 0;

protected:
    ~TargetUser() = default;
};

}  // namespace sekisho::gateway

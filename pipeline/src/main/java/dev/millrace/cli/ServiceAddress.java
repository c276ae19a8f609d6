package dev.millrace.cli;

import dev.millrace.spec.Secret;
import java.net.InetAddress;
import java.net.UnknownHostException;

/// Where the service listens, and the token that it asks for.
///
/// @param bind an address or a host name of this machine
/// @param port 0 for any free one
/// @param token [Secret#NONE] when none is asked for, which only a loopback address allows
public record ServiceAddress(String bind, int port, Secret token) {

    /// Whether only programs on this machine can reach it. What can't be resolved can be reached.
    public boolean isLoopback() {
        try {
            return InetAddress.getByName(bind).isLoopbackAddress();
        } catch (UnknownHostException _) {
            return false;
        }
    }
}

package dev.millrace.sandbox;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/// Ports of 127.0.0.1. What is free now may be taken a moment later: who opens the port must still
/// be ready for a refusal.
public final class LoopbackPort {

    private LoopbackPort() {}

    public static int free() {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(address(), 0), 1);
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new LocalServerException("no port of 127.0.0.1 is free: " + e, e);
        }
    }

    /// @param what the server as a user calls it, for the message
    /// @throws LocalServerException when something listens there already
    public static void requireFree(int port, String what) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(address(), port), 1);
        } catch (IOException _) {
            throw inUse(port, what);
        }
    }

    public static LocalServerException inUse(int port, String what) {
        return new LocalServerException(
                what
                        + " can't listen on 127.0.0.1:"
                        + port
                        + ": the port is in use. Stop what listens there or choose another port.");
    }

    private static InetAddress address() throws IOException {
        return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    }
}

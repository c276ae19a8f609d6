package dev.millrace.sandbox;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/// Finds and checks ports of 127.0.0.1. Another program may take a free port at any time, so
/// opening it can still fail. Stateless.
public final class LoopbackPort {

    private LoopbackPort() {}

    public static int free() {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(address(), 0), 1);
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new LocalServerException("No port of 127.0.0.1 is free: " + e, e);
        }
    }

    /// @param what the user's name of the server, for the message
    /// @throws LocalServerException when another program listens on the port
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
                        + " cannot listen on 127.0.0.1:"
                        + port
                        + ": the port is in use. Stop the program that uses it, or choose another port.");
    }

    private static InetAddress address() throws IOException {
        return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    }
}

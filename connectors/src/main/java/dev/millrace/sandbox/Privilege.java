package dev.millrace.sandbox;

import com.sun.security.auth.module.UnixSystem;
import dev.millrace.local.LocalServerException;
import java.io.IOException;

/// How PostgreSQL, which refuses to run as root, is run by the user that we are.
enum Privilege {
    /// An ordinary user: as it is.
    DIRECT,
    /// Root: in a user namespace of its own, where it is nobody.
    NAMESPACE;

    private static final class Found {
        static final Privilege CURRENT = find();
    }

    static Privilege current() {
        return Found.CURRENT;
    }

    private static Privilege find() {
        if (new UnixSystem().getUid() != 0) {
            return DIRECT;
        }
        if (!namespacesWork()) {
            throw new LocalServerException(
                    "PostgreSQL refuses to run as root, and this machine doesn't let root make a"
                            + " user namespace (unshare -U). Run this command as an ordinary user.");
        }
        return NAMESPACE;
    }

    private static boolean namespacesWork() {
        try {
            return new ProcessBuilder("unshare", "-U", "true")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException _) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LocalServerException("interrupted while PostgreSQL was being started", e);
        }
    }
}

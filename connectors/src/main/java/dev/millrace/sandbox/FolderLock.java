package dev.millrace.sandbox;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Locks a folder for one server of one process. The operating system releases the lock when the
/// process ends in any way, so a lock is never stale. Thread-safe.
public final class FolderLock implements AutoCloseable {

    /// The name of the lock's file in the folder. It stays when the lock is released.
    public static final String FILE = "in-use.lock";

    private final FileChannel channel;

    private FolderLock(FileChannel channel) {
        this.channel = channel;
    }

    /// Takes the lock; does not wait for it.
    ///
    /// @param what the user's name of the server, for the message
    /// @throws LocalServerException when another server uses the folder or the folder is not
    ///   writable
    public static FolderLock take(Path folder, String what) {
        FileChannel channel = null;
        try {
            channel = open(folder);
            if (tryLock(channel)) {
                return new FolderLock(channel);
            }
            channel.close();
        } catch (IOException e) {
            closeQuietly(channel, e);
            throw unusable(folder, what, e);
        }
        throw new LocalServerException(
                what
                        + " cannot use its folder "
                        + folder
                        + ": a running process uses it. Stop that process or choose another"
                        + " folder.");
    }

    /// Takes the lock when no other process has it. Threads of this process must not compete for
    /// it.
    public static FolderLock await(Path folder, String what) {
        FileChannel channel = null;
        try {
            channel = open(folder);
            channel.lock();
            return new FolderLock(channel);
        } catch (IOException e) {
            closeQuietly(channel, e);
            throw unusable(folder, what, e);
        }
    }

    private static FileChannel open(Path folder) throws IOException {
        Files.createDirectories(folder);
        return FileChannel.open(
                folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private static LocalServerException unusable(Path folder, String what, IOException cause) {
        return new LocalServerException(
                what
                        + " cannot use its folder "
                        + folder
                        + ": "
                        + cause
                        + ". Make the folder writable or choose another folder.",
                cause);
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException _) {
            return false;
        }
    }

    private static void closeQuietly(@Nullable FileChannel channel, IOException cause) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                cause.addSuppressed(e);
            }
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new LocalServerException("The lock of a folder cannot be released: " + e, e);
        }
    }
}

package dev.millrace.sandbox;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Holds a folder for one server of one process. The operating system lets go of it when the
/// process ends, however it ends, so a lock is never stale. Safe for any thread.
public final class FolderLock implements AutoCloseable {

    private final FileChannel channel;

    private FolderLock(FileChannel channel) {
        this.channel = channel;
    }

    /// @param what the server as a user calls it, for the message
    /// @throws LocalServerException when another server holds the folder or it can't be written
    public static FolderLock take(Path folder, String what) {
        FileChannel channel = null;
        try {
            channel = open(folder);
            if (held(channel)) {
                return new FolderLock(channel);
            }
            channel.close();
        } catch (IOException e) {
            closeQuietly(channel, e);
            throw unusable(folder, what, e);
        }
        throw new LocalServerException(
                what
                        + " can't use its folder "
                        + folder
                        + ": a running process holds it. Stop that process or choose another"
                        + " --data-dir.");
    }

    /// Waits until no other process holds the folder; threads of this process must not compete.
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
                folder.resolve("in-use.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private static LocalServerException unusable(Path folder, String what, IOException cause) {
        return new LocalServerException(
                what
                        + " can't use its folder "
                        + folder
                        + ": "
                        + cause
                        + ". Make the folder writable or choose another --data-dir.",
                cause);
    }

    private static boolean held(FileChannel channel) throws IOException {
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
            throw new LocalServerException("the lock of a folder can't be released: " + e, e);
        }
    }
}

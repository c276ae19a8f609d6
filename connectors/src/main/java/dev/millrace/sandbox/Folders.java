package dev.millrace.sandbox;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Deletes folders with their contents, and restricts folders to their owner. A symbolic link is
/// deleted, never followed. Stateless.
public final class Folders {

    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rwx------");

    private Folders() {}

    /// Creates the folder if it does not exist, and removes the access of other users of the
    /// machine to it and its contents. Changes nothing on a file system without POSIX permissions.
    ///
    /// @throws IOException also when other users have access to a folder that belongs to another
    ///   user
    public static void makePrivate(Path folder) throws IOException {
        Files.createDirectories(folder);
        PosixFileAttributeView view =
                Files.getFileAttributeView(folder, PosixFileAttributeView.class);
        if (view != null && !OWNER_ONLY.containsAll(view.readAttributes().permissions())) {
            try {
                view.setPermissions(OWNER_ONLY);
            } catch (IOException e) {
                throw new IOException(
                        "other users have access to the folder, and its permissions cannot be changed ("
                                + e
                                + "). Change the owner of the folder to the current user, or choose"
                                + " another folder",
                        e);
            }
        }
    }

    /// Deletes the folder with its contents. Files that another process deletes first are ignored.
    public static void delete(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            Files.walkFileTree(folder, new Deletion());
        }
    }

    private static final class Deletion extends SimpleFileVisitor<Path> {

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
            }
            throw e;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException e)
                throws IOException {
            if (e != null) {
                throw e;
            }
            Files.deleteIfExists(folder);
            return FileVisitResult.CONTINUE;
        }
    }
}

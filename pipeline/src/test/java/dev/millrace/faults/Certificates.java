package dev.millrace.faults;

import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/// A certificate authority, a server's key for 127.0.0.1, and two certificates of it, of which one
/// has expired. Made with the JDK's keytool.
///
/// @param root the authority's certificate
/// @param key the server's private key
record Certificates(Path root, Path key, Path valid, Path expired) {

    private static final String PASSWORD = "changeit";

    static Certificates make() throws IOException, InterruptedException, GeneralSecurityException {
        Path folder = TestFolders.create("certificates");
        Path authority = folder.resolve("ca.p12");
        Path server = folder.resolve("server.p12");
        Path request = folder.resolve("server.csr");
        Path root = folder.resolve("ca.crt");
        pair(authority, "CN=ca", "-ext", "bc:c");
        pair(server, "CN=127.0.0.1");
        keytool(authority, "-exportcert", "-rfc", "-file", root.toString());
        keytool(server, "-certreq", "-file", request.toString());
        return new Certificates(
                root,
                key(server, folder.resolve("server.key")),
                sign(authority, request, folder.resolve("valid.crt"), "-1d", "10"),
                sign(authority, request, folder.resolve("expired.crt"), "-10d", "5"));
    }

    private static void pair(Path store, String name, String... more)
            throws IOException, InterruptedException {
        List<String> arguments =
                new ArrayList<>(
                        List.of("-genkeypair", "-keyalg", "EC", "-dname", name, "-validity", "20"));
        arguments.addAll(List.of(more));
        keytool(store, arguments.toArray(String[]::new));
    }

    private static Path sign(Path authority, Path request, Path file, String from, String days)
            throws IOException, InterruptedException {
        keytool(
                authority,
                "-gencert",
                "-rfc",
                "-infile",
                request.toString(),
                "-outfile",
                file.toString(),
                "-startdate",
                from,
                "-validity",
                days,
                "-ext",
                "san=ip:127.0.0.1");
        return file;
    }

    private static void keytool(Path store, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(arguments));
        command.addAll(
                List.of(
                        "-alias",
                        "it",
                        "-keystore",
                        store.toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException(printed);
        }
    }

    private static Path key(Path store, Path file) throws IOException, GeneralSecurityException {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        byte[] key = keys.getKey("it", PASSWORD.toCharArray()).getEncoded();
        Files.createFile(
                file,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.writeString(
                file,
                "-----BEGIN PRIVATE KEY-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key)
                        + "\n-----END PRIVATE KEY-----\n");
    }
}

package org.objmapper.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may use whom: the table of docs/layout.md. */
class PackageUseTest {
    private static final String PROTOCOL = "org.objmapper.protocol";
    private static final String CLIENT = "org.objmapper.client";
    private static final String NATIVE = "org.objmapper.nativeio";
    private static final String STORE = "org.objmapper.server.store";
    private static final String INDEX = "org.objmapper.server.store.index";
    private static final String DEVICE = "org.objmapper.server.store.device";
    private static final String HOLD = "org.objmapper.server.store.hold";
    private static final String TABLE = "org.objmapper.server.store.table";
    private static final String CHECK = "org.objmapper.server.store.check";
    private static final String TIER = "org.objmapper.server.store.tier";
    private static final String EVICTION = "org.objmapper.server.store.eviction";
    private static final String BAN = "org.objmapper.server.store.ban";
    private static final String VALIDITY = "org.objmapper.server.store.validity";
    private static final String DELIVERY = "org.objmapper.server.delivery";
    private static final String EXCHANGE = "org.objmapper.server.exchange";
    private static final String METRICS = "org.objmapper.server.metrics";
    private static final String THREAD = "org.objmapper.server.thread";
    private static final String CLI = "org.objmapper.server.cli";

    private static final String LOGGING = "org.slf4j";
    private static final String SOCKETS = "org.newsclub.net.unix..";

    /** Each package with what it may use besides the JDK, JSpecify's annotations and itself; cli may use everything. */
    private static final Map<String, List<String>> MAY_USE = Map.ofEntries(
            Map.entry(PROTOCOL, List.of()),
            Map.entry(NATIVE, List.of()),
            Map.entry(CLIENT, List.of(PROTOCOL, SOCKETS, LOGGING)),
            Map.entry("org.objmapper.server.config", List.of("org.tomlj..", METRICS, LOGGING)),
            Map.entry(THREAD, List.of()),
            Map.entry(METRICS, List.of("io.prometheus..", "org.HdrHistogram..", LOGGING)),
            Map.entry(
                    STORE,
                    List.of(
                            PROTOCOL,
                            NATIVE,
                            INDEX,
                            DEVICE,
                            HOLD,
                            TABLE,
                            CHECK,
                            TIER,
                            EVICTION,
                            BAN,
                            VALIDITY,
                            THREAD,
                            "net.openhft..",
                            "com.github.benmanes.caffeine..",
                            METRICS,
                            LOGGING)),
            Map.entry(
                    INDEX,
                    List.of(
                            PROTOCOL,
                            NATIVE,
                            THREAD,
                            "org.lmdbjava..",
                            "jnr.ffi..",
                            "net.openhft..",
                            METRICS,
                            LOGGING)),
            Map.entry(DEVICE, List.of(PROTOCOL, NATIVE, THREAD, "jnr..", "net.openhft..", METRICS, LOGGING)),
            Map.entry(HOLD, List.of(NATIVE, DEVICE, THREAD, METRICS, LOGGING)),
            Map.entry(TABLE, List.of(INDEX, THREAD, METRICS, LOGGING)),
            Map.entry(CHECK, List.of(PROTOCOL, NATIVE, INDEX, DEVICE, THREAD, BAN, METRICS, LOGGING)),
            Map.entry(TIER, List.of(PROTOCOL, NATIVE, INDEX, DEVICE, HOLD, EVICTION, THREAD, METRICS, LOGGING)),
            Map.entry(EVICTION, List.of()),
            Map.entry(BAN, List.of(PROTOCOL, INDEX, "com.google.re2j..")),
            Map.entry(VALIDITY, List.of(NATIVE, THREAD, METRICS, LOGGING)),
            Map.entry(DELIVERY, List.of(PROTOCOL, STORE, NATIVE, METRICS, LOGGING)),
            Map.entry(EXCHANGE, List.of(PROTOCOL, STORE, DELIVERY, METRICS, LOGGING)),
            Map.entry(
                    "org.objmapper.server.transport",
                    List.of(PROTOCOL, EXCHANGE, NATIVE, THREAD, SOCKETS, METRICS, LOGGING)));

    private static final JavaClasses OURS = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(PROTOCOL, NATIVE, CLIENT, "org.objmapper.server");

    /** Only packages that exist: one appears with its first class. */
    static Stream<String> packages() {
        return OURS.stream()
                .filter(type -> !type.getSimpleName().equals("package-info"))
                .map(JavaClass::getPackageName)
                .distinct()
                .filter(name -> !name.equals(CLI))
                .sorted();
    }

    @ParameterizedTest
    @MethodSource("packages")
    void aPackageUsesOnlyWhatTheTableGrantsIt(String name) {
        assertThat(MAY_USE)
                .as("the table of docs/layout.md has a row for each package")
                .containsKey(name);
        String[] granted = Stream.concat(
                        Stream.of(name, "java..", "javax..", "jdk..", "org.jspecify.annotations"),
                        MAY_USE.get(name).stream())
                .toArray(String[]::new);
        classes()
                .that()
                .resideInAPackage(name)
                .should()
                .onlyDependOnClassesThat(resideInAnyPackage(granted))
                .as(name + " uses only " + List.of(granted))
                .check(OURS);
    }

    @Test
    void nothingUsesTheCommandLine() {
        noClasses()
                .that()
                .resideOutsideOfPackage(CLI)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(CLI)
                .check(OURS);
    }

    @Test
    void everyPackageSaysWhatMayBeNull() {
        TreeSet<String> unmarked = new TreeSet<>();
        for (JavaClass type : OURS) {
            if (!type.getPackage().isAnnotatedWith(NullMarked.class)) {
                unmarked.add(type.getPackageName());
            }
        }
        assertThat(unmarked).isEmpty();
    }

    @Test
    void aNameSaysWhatAClassIs() {
        noClasses()
                .should()
                .haveNameMatching(".*(Util|Utils|Manager|Helper|Impl)")
                .check(OURS);
    }
}

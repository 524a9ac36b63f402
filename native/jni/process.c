/* Gives the process to another program. A result is -errno; on success there is none. */
#include <errno.h>
#include <jni.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/close_range.h>

#define JAVA(type, name) JNIEXPORT type JNICALL Java_org_objmapper_nativeio_NativeIo_##name

/* Points at the words of a block, each with its NUL; the caller frees the array. */
static char **split(char *words, jsize length)
{
	size_t count = 0;
	for (jsize i = 0; i < length; i++)
		count += words[i] == '\0';
	char **argv = calloc(count + 1, sizeof *argv);
	if (argv == NULL)
		return NULL;
	size_t next = 0;
	for (jsize i = 0; i < length; i++)
		if (i == 0 || words[i - 1] == '\0')
			argv[next++] = words + i;
	return argv;
}

/* Java blocks signals in its threads, opens files that children would inherit, and may run where stdin is its own. */
static int replace(int standard_input, char **argv)
{
	sigset_t none;
	sigemptyset(&none);
	if (dup2(standard_input, STDIN_FILENO) < 0 || close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	return -errno;
}

JAVA(jint, execute)(JNIEnv *env, jclass class, jint standard_input, jbyteArray words)
{
	(void)class;
	jsize length = (*env)->GetArrayLength(env, words);
	if (length < 1)
		return -EINVAL;
	char *copy = malloc((size_t)length);
	if (copy == NULL)
		return -ENOMEM;
	(*env)->GetByteArrayRegion(env, words, 0, length, (jbyte *)copy);
	char **argv = copy[length - 1] == '\0' ? split(copy, length) : NULL;
	int r = argv != NULL ? replace(standard_input, argv) : -EINVAL;
	free(argv);
	free(copy);
	return r;
}

JAVA(jint, setEnvironment)(JNIEnv *env, jclass class, jbyteArray name, jbyteArray value)
{
	(void)class;
	int r = -EINVAL;
	jbyte *n = (*env)->GetByteArrayElements(env, name, NULL);
	jbyte *v = (*env)->GetByteArrayElements(env, value, NULL);
	jsize length = (*env)->GetArrayLength(env, value);
	if (n != NULL && v != NULL)
		r = length == 0 ? unsetenv((char *)n) : setenv((char *)n, (char *)v, 1);
	if (r == -1)
		r = -errno;
	if (v != NULL)
		(*env)->ReleaseByteArrayElements(env, value, v, JNI_ABORT);
	if (n != NULL)
		(*env)->ReleaseByteArrayElements(env, name, n, JNI_ABORT);
	return r;
}

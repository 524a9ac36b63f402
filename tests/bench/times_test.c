/* Times are known to within 1 %, whatever they are. */
#include "times.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(const char *what, double value, double low, double high)
{
	if (value >= low && value <= high)
		return;
	fprintf(stderr, "%s: %f is not within %f to %f\n", what, value, low, high);
	exit(1);
}

static void each_time_is_known_to_within_a_percent(void)
{
	for (uint64_t nanos = 1; nanos < UINT64_MAX / 3; nanos = nanos * 3 / 2 + 1) {
		static struct times t;
		t = (struct times){0};
		times_add(&t, nanos);
		expect("the only time", times_micros(&t, 0.5) * 1e3, (double)nanos * 0.999999, (double)nanos * 1.01);
	}
}

static void percentiles_are_those_of_all_that_was_added(void)
{
	static struct times some, all;
	for (uint64_t i = 1; i <= 1000; i++)
		times_add(i % 2 == 0 ? &some : &all, i * 1000);
	times_add_all(&all, &some);
	expect("count", (double)times_count(&all), 1000, 1000);
	expect("median", times_micros(&all, 0.5), 500, 505);
	expect("p99", times_micros(&all, 0.99), 990, 1000);
	expect("longest", times_micros(&all, 1), 1000, 1010);
}

int main(void)
{
	static struct times none;
	expect("none", times_micros(&none, 0.5), 0, 0);
	each_time_is_known_to_within_a_percent();
	percentiles_are_those_of_all_that_was_added();
	return 0;
}

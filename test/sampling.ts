/** Whether everything is tried that tests otherwise sample, so that all of them together stay under 25 minutes. */
export const TEST_ALL = process.env['SLOTBENCH_TEST_ALL'] === '1'

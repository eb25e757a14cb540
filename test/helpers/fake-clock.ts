export { settle, VirtualClock as FakeClock } from '../../local/virtual-clock.ts'

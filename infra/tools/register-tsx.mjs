// For `node --import`: TypeScript sources run as they are, on threads too, which `--import tsx` leaves out.
import { register } from 'tsx/esm/api';

register();
